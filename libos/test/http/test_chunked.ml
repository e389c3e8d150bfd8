(* The decoder of chunked bodies. *)

open Http_engine

(* What becomes of a text that comes in pieces: the body so far, and how it ended. *)
let decode ?(limits = Limits.default) pieces =
  let decoder = Chunked.create limits in
  let body = Buffer.create 80 in
  let rec read data place pieces =
    match Chunked.decode decoder data place with
    | Piece (place, length) ->
        Buffer.add_substring body data place length;
        read data (place + length) pieces
    | Finished place -> `Finished (String.sub data place (String.length data - place) ^ String.concat "" pieces)
    | Refused { status; reason } -> `Refused (Cohttp.Code.code_of_status status, reason)
    | Incomplete place -> (
        match pieces with
        | [] -> `Incomplete
        | piece :: pieces -> read (String.sub data place (String.length data - place) ^ piece) 0 pieces)
  in
  let ended = read "" 0 pieces in
  (Buffer.contents body, ended)

let describe (body, ended) =
  Printf.sprintf "%S %s" body
    (match ended with
    | `Finished behind -> Printf.sprintf "finished %S" behind
    | `Refused (status, reason) -> Printf.sprintf "%d %s" status reason
    | `Incomplete -> "incomplete")

let check name expected text = Alcotest.(check string) name expected (describe (decode [ text ]))

let bodies () =
  check "two chunks" {|"hello world" finished "next"|} "6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\nnext";
  check "none" {|"" finished ""|} "0\r\n\r\n";
  check "capital digits, zeros, bare line feeds" {|"0123456789" finished ""|} "000A\n0123456789\n0\n\n";
  check "extensions" {|"abc" finished ""|} "3;a=b;c=\"d\"\r\nabc\r\n0 ; x\r\n\r\n";
  check "a trailer" {|"abc" finished ""|} "3\r\nabc\r\n0\r\nDigest: x\r\nY: z\r\n\r\n";
  check "unfinished" {|"ab" incomplete|} "3\r\nab"

let refused () =
  let status text = match decode [ text ] with _, `Refused (status, _) -> status | other -> Alcotest.fail (describe other) in
  let check expected text = Alcotest.(check int) (String.escaped text) expected (status text) in
  check 400 "\r\n";
  check 400 "x\r\n";
  check 400 "-1\r\n";
  check 400 "0x3\r\nabc";
  check 400 "3\rabc";
  check 400 "3\r\nabcd\r\n";
  check 400 (String.make 300 '0');
  check 400 ("3;" ^ String.make 300 'a');
  check 413 "400001\r\n";
  check 413 "ffffffffffffffffffffffff\r\n";
  check 413 "7fffffffffffffff\r\n"

let all_of_it () =
  let chunk = "10000\r\n" ^ String.make 65536 'x' ^ "\r\n" in
  let body, ended = decode (List.init 64 (fun _ -> chunk)) in
  Alcotest.(check int) "as much as it may be" Limits.default.body_bytes (String.length body);
  Alcotest.(check bool) "goes on" true (ended = `Incomplete);
  let _, ended = decode (List.init 64 (fun _ -> chunk) @ [ "1\r\n" ]) in
  Alcotest.(check bool) "and no more" true (match ended with `Refused (413, _) -> true | _ -> false);
  let line = "X: " ^ String.make 1000 'y' ^ "\r\n" in
  let _, ended = decode ("0\r\n" :: List.init 20 (fun _ -> line)) in
  Alcotest.(check bool) "a trailer without end" true (match ended with `Refused (431, _) -> true | _ -> false)

(* Chunks *)

let encode chunks =
  let chunk text = Printf.sprintf "%x\r\n%s\r\n" (String.length text) text in
  String.concat "" (List.map chunk (List.filter (( <> ) "") chunks)) ^ "0\r\n\r\n"

let chunks = QCheck.(list_of_size (Gen.int_range 0 6) (string_of_size (Gen.int_range 0 50)))

let comes_back (chunks, sizes) =
  decode (Pieces.cut sizes (encode chunks ^ "next")) = (String.concat "" chunks, `Finished "next")

let broken =
  QCheck.make ~print:(Printf.sprintf "%S") (Pieces.broken_gen (QCheck.Gen.map encode (QCheck.gen chunks)))

let small = { Limits.default with head_bytes = 40; body_bytes = 100 }
let same_in_pieces (text, sizes) = decode ~limits:small [ text ] = decode ~limits:small (Pieces.cut sizes text)

let () =
  Alcotest.run "chunked bodies"
    [
      ( "bodies",
        [
          Alcotest.test_case "bodies" `Quick bodies;
          Alcotest.test_case "refused" `Quick refused;
          Alcotest.test_case "limits" `Quick all_of_it;
        ] );
      ( "any bytes",
        [
          Chance.property "bodies, cut anyhow" 5_000 (QCheck.pair chunks Pieces.sizes) comes_back;
          Chance.property "broken bodies, cut anyhow" 20_000 (QCheck.pair broken Pieces.sizes) same_in_pieces;
          Chance.property "noise, cut anyhow" 20_000 (QCheck.pair Pieces.noise Pieces.sizes) same_in_pieces;
        ] );
    ]
