(* Tcpip_checksum. *)

(* As RFC 1071 defines it, word by word. *)
let by_the_book text =
  let byte i = if i < String.length text then Char.code text.[i] else 0 in
  let rec sum i total = if i >= String.length text then total else sum (i + 2) (total + (byte i lsl 8) + byte (i + 1)) in
  let rec fold total = if total > 0xffff then fold ((total land 0xffff) + (total lsr 16)) else total in
  lnot (fold (sum 0 0)) land 0xffff

let check name expected found = Alcotest.(check int) name expected found
let random = Random.State.make [| 1071 |]
let random_text length = String.init length (fun _ -> Char.chr (Random.State.int random 256))

let example () =
  (* Section 3 of the RFC: the sum of these words is 0xddf2. *)
  let text = "\x00\x01\xf2\x03\xf4\xf5\xf6\xf7" in
  check "the RFC's own" (lnot 0xddf2 land 0xffff) (Tcpip_checksum.ones_complement (Cstruct.of_string text));
  check "nothing" 0xffff (Tcpip_checksum.ones_complement Cstruct.empty)

let lengths_and_places () =
  for length = 0 to 70 do
    for offset = 0 to 8 do
      let text = random_text length in
      let buffer = Cstruct.append (Cstruct.create offset) (Cstruct.of_string (text ^ "behind")) in
      check "any length, anywhere" (by_the_book text)
        (Tcpip_checksum.ones_complement (Cstruct.sub buffer offset length))
    done
  done

let long () =
  let text = String.make 65_535 '\xff' in
  check "no carry is lost" (by_the_book text) (Tcpip_checksum.ones_complement (Cstruct.of_string text));
  let text = random_text 65_536 in
  check "64 KiB" (by_the_book text) (Tcpip_checksum.ones_complement (Cstruct.of_string text))

let lists () =
  for _ = 1 to 1000 do
    let texts = List.init (Random.State.int random 6) (fun _ -> random_text (Random.State.int random 20)) in
    check "one behind the other"
      (by_the_book (String.concat "" texts))
      (Tcpip_checksum.ones_complement_list (List.map Cstruct.of_string texts))
  done

let verifying () =
  let buffer = Cstruct.of_string (random_text 38 ^ "\000\000") in
  Cstruct.BE.set_uint16 buffer 38 (Tcpip_checksum.ones_complement buffer);
  check "0 where it is right" 0 (Tcpip_checksum.ones_complement buffer);
  Cstruct.set_uint8 buffer 7 (Cstruct.get_uint8 buffer 7 lxor 4);
  Alcotest.(check bool) "else not" true (Tcpip_checksum.ones_complement buffer <> 0)

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "checksum"
    [
      ( "RFC 1071",
        [
          case "its example" example;
          case "lengths and places" lengths_and_places;
          case "long buffers" long;
          case "lists" lists;
          case "verifying" verifying;
        ] );
    ]
