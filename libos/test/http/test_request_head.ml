(* The parser of requests' heads. *)

open Http_engine
open Cohttp

(* What becomes of a text that comes in pieces; the refusal, or the head and what is behind it. *)
let rec read head kept = function
  | [] -> `Incomplete
  | piece :: pieces -> (
      let data = kept ^ piece in
      match Request_head.parse head data 0 with
      | Complete place -> `Complete (head, String.sub data place (String.length data - place) ^ String.concat "" pieces)
      | Incomplete place -> read head (String.sub data place (String.length data - place)) pieces
      | Refused { status; reason } -> `Refused (Code.code_of_status status, reason))

let parse ?(limits = Limits.default) pieces = read (Request_head.create limits) "" pieces

let describe = function
  | `Incomplete -> "incomplete"
  | `Refused (status, reason) -> Printf.sprintf "%d %s" status reason
  | `Complete (head, behind) ->
      let { Request.meth; resource; version; headers; encoding; _ } = Request_head.request head in
      Printf.sprintf "%s %s %s %S %s%s%s %S" (Code.string_of_method meth) resource (Code.string_of_version version)
        (Header.to_string headers)
        (Transfer.string_of_encoding encoding)
        (if Request_head.keep_alive head then " keep" else "")
        (if Request_head.expects_continue head then " continue" else "")
        behind

let complete text =
  match parse [ text ] with `Complete (head, behind) -> (head, behind) | other -> Alcotest.fail (describe other)

let request_of text = Request_head.request (fst (complete text))

let fields () =
  let head, behind =
    complete "POST /a?b=c HTTP/1.1\r\nHost: x:80\r\nX-A:  one \t\r\nx-a:two\r\nEmpty:\r\nContent-Length: 4\r\n\r\nbody"
  in
  let request = Request_head.request head in
  Alcotest.(check string) "method" "POST" (Code.string_of_method request.meth);
  Alcotest.(check string) "target" "/a?b=c" request.resource;
  Alcotest.(check (list string)) "blanks are taken away" [ "one"; "two" ] (List.rev (Header.get_multi request.headers "X-a"));
  Alcotest.(check (option string)) "an empty value" (Some "") (Header.get request.headers "empty");
  Alcotest.(check bool) "its body" true (Request_head.framing head = Length 4);
  Alcotest.(check string) "behind it" "body" behind

let line_ends () =
  let request = request_of "\r\n\nGET / HTTP/1.1\nHost: x\n\n" in
  Alcotest.(check (option string)) "bare line feeds" (Some "x") (Header.get request.headers "host")

let keep_alive () =
  let check expected version connection =
    let text = Printf.sprintf "GET / HTTP/%s\r\nHost: x\r\n%s\r\n" version connection in
    Alcotest.(check bool) (version ^ " " ^ connection) expected (Request_head.keep_alive (fst (complete text)))
  in
  check true "1.1" "";
  check true "1.7" "";
  check false "1.0" "";
  check true "1.0" "Connection: Keep-Alive\r\n";
  check false "1.1" "Connection: close\r\n";
  check false "1.1" "Connection: x , Close\r\nConnection: keep-alive\r\n"

let refused () =
  let check status text = Alcotest.(check string) (String.escaped text) status (String.sub (describe (parse [ text ])) 0 3) in
  let get fields = "GET / HTTP/1.1\r\n" ^ fields ^ "\r\n" in
  check "400" "\022\003\001\002\000";
  check "400" "hello\r\n";
  check "400" "GET /\r\n";
  check "400" "GET  / HTTP/1.1\r\n";
  check "400" "GET / HTTP/1.1 \r\n";
  check "400" "GET a HTTP/1.1\r\n";
  check "400" "GET * HTTP/1.1\r\n";
  check "400" "GET / HTTP/x.1\r\n";
  check "400" "G(T / HTTP/1.1\r\n";
  check "400" "GET /\000 HTTP/1.1\r\n";
  check "400" (String.make 40 'A');
  check "505" "PRI * HTTP/2.0\r\n";
  check "505" "GET / HTTP/0.9\r\n";
  check "400" (get "");
  check "400" (get "Host: a\r\nHost: a\r\n");
  check "400" (get "Host: a\r\nName : b\r\n");
  check "400" (get "Host: a\r\n folded\r\n");
  check "400" (get "Host: a\r\nName\r\n");
  check "400" (get "Host: a\r\n: b\r\n");
  check "400" (get "Host: a\r\nX: \000\r\n");
  check "400" (get "Host: a\r\nX: a\rb\r\n");
  check "400" (get "Host: a\r\nContent-Length: -1\r\n");
  check "400" (get "Host: a\r\nContent-Length: 1, 1\r\n");
  check "400" (get "Host: a\r\nContent-Length: 0x1\r\n");
  check "400" (get "Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n");
  check "400" (get "Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n");
  check "400" "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
  check "413" (get "Host: a\r\nContent-Length: 4194305\r\n");
  check "413" (get "Host: a\r\nContent-Length: 99999999999999999999999999\r\n");
  check "417" (get "Host: a\r\nExpect: wonders\r\n");
  check "501" (get "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n");
  check "501" (get "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")

let limits () =
  let bytes = Limits.default.head_bytes in
  let target = "GET /" ^ String.make bytes 'a' ^ " HTTP/1.1\r\n" in
  Alcotest.(check string) "target" "414" (String.sub (describe (parse [ target ])) 0 3);
  let field = "GET / HTTP/1.1\r\nHost: a\r\nX: " ^ String.make bytes 'a' in
  Alcotest.(check string) "field" "431" (String.sub (describe (parse [ field ])) 0 3);
  let many = "GET / HTTP/1.1\r\nHost: a\r\n" ^ String.concat "" (List.init 100 (fun _ -> "X: y\r\n")) in
  Alcotest.(check string) "fields" "431" (String.sub (describe (parse [ many ])) 0 3);
  let exact = "GET / HTTP/1.1\r\nHost: a\r\nX: " in
  let fits = exact ^ String.make (bytes - String.length exact - 4) 'a' ^ "\r\n\r\n" in
  Alcotest.(check int) "as long as it may be" bytes (String.length fits);
  Alcotest.(check string) "fits" "" (snd (complete fits))

(* Small limits are met by small texts. *)
let small = { Limits.default with head_bytes = 90; fields = 4 }

let same_in_pieces limits (text, sizes) =
  describe (parse ~limits [ text ]) = describe (parse ~limits (Pieces.cut sizes text))

let () =
  Alcotest.run "request head"
    [
      ( "heads",
        [
          Alcotest.test_case "fields" `Quick fields;
          Alcotest.test_case "line ends" `Quick line_ends;
          Alcotest.test_case "keep-alive" `Quick keep_alive;
          Alcotest.test_case "refused" `Quick refused;
          Alcotest.test_case "limits" `Quick limits;
        ] );
      ( "any bytes",
        [
          Chance.property "requests, cut anyhow" 5_000
            QCheck.(pair Pieces.request Pieces.sizes)
            (same_in_pieces Limits.default);
          Chance.property "broken requests, cut anyhow" 20_000
            QCheck.(pair Pieces.broken_request Pieces.sizes)
            (same_in_pieces Limits.default);
          Chance.property "at the limits, cut anyhow" 20_000 QCheck.(pair Pieces.broken_request Pieces.sizes) (same_in_pieces small);
          Chance.property "noise, cut anyhow" 20_000 QCheck.(pair Pieces.noise Pieces.sizes) (same_in_pieces Limits.default);
        ] );
    ]
