(* Bytes in pieces, and random bytes that are nearly a request. *)

open QCheck

(* [cut sizes text] is [text] in pieces of those sizes, over and over. *)
let cut sizes text =
  let sizes = if List.exists (fun size -> size > 0) sizes then sizes else [ 1 ] in
  let rec from place = function
    | [] -> from place sizes
    | size :: sizes ->
        let size = min size (String.length text - place) in
        let rest = if place + size = String.length text then [] else from (place + size) sizes in
        if size = 0 then rest else String.sub text place size :: rest
  in
  if text = "" then [] else from 0 sizes

let sizes = list_of_size (Gen.int_range 1 8) (int_range 0 40)

(* Where one thing of a text was changed: a byte set, taken away or put in. *)
let broken_gen text_gen =
  let open Gen in
  let* text = text_gen in
  let change text (kind, place, char) =
    if text = "" then String.make 1 char
    else
      let place = place mod String.length text in
      let before = String.sub text 0 place and behind n = String.sub text (place + n) (String.length text - place - n) in
      match kind with
      | `Set -> before ^ String.make 1 char ^ behind 1
      | `Take -> before ^ behind 1
      | `Put -> before ^ String.make 1 char ^ behind 0
      | `Cut -> before
  in
  let char = oneof [ char; oneofl [ '\r'; '\n'; ' '; ':'; '\000'; ','; '0'; 'f' ] ] in
  let+ changes = list_size (int_range 0 3) (triple (frequencyl [ (3, `Set); (2, `Take); (2, `Put); (1, `Cut) ]) nat char) in
  List.fold_left change text changes

let name = Gen.oneofl [ "Accept"; "X-a"; "Cookie"; "Connection"; "Content-Length"; "Expect"; "TRANSFER-ENCODING"; "host" ]
let value = Gen.oneofl [ ""; "a"; "close"; "keep-alive, x"; "3"; "chunked"; "100-continue"; "text/html; q=0.5"; "\xc3\xa4 \t b" ]

let request_gen =
  let open Gen in
  let* meth = oneofl [ "GET"; "POST"; "HEAD"; "OPTIONS"; "X-1" ] in
  let* target = oneofl [ "/"; "/a/b?c=d"; "*"; "http://a/b"; "/%41" ] in
  let* version = frequencyl [ (8, "HTTP/1.1"); (2, "HTTP/1.0"); (1, "HTTP/2.0") ] in
  let* fields = list_size (int_range 0 5) (pair name value) in
  let* line_end = oneofl [ "\r\n"; "\n" ] in
  let+ body = oneofl [ ""; "abc"; "3\r\nabc\r\n0\r\n\r\n"; "GET / HTTP/1.1\r\nHost: b\r\n\r\n" ] in
  let field (name, value) = name ^ ": " ^ value ^ line_end in
  String.concat "" (Printf.sprintf "%s %s %s%sHost: a%s" meth target version line_end line_end :: List.map field fields)
  ^ line_end ^ body

let request = make ~print:(Printf.sprintf "%S") request_gen
let broken_request = make ~print:(Printf.sprintf "%S") (broken_gen request_gen)
let noise = make ~print:(Printf.sprintf "%S") Gen.(string_size (int_range 0 200))
