let of_expression text =
  let word = function 'a' .. 'z' | 'A' .. 'Z' | '0' .. '9' | '_' | '\'' -> true | _ -> false in
  let spaced = String.map (fun char -> if word char then char else ' ') text in
  let words = List.filter (( <> ) "") (String.split_on_char ' ' spaced) in
  match String.lowercase_ascii (String.concat "_" words) with
  | "" -> "value"
  | name -> ( match name.[0] with 'a' .. 'z' | '_' -> name | _ -> "_" ^ name)

type scope = (string, unit) Hashtbl.t

let keywords =
  String.split_on_char ' '
    "and as assert begin class constraint do done downto else end exception external false for fun function functor \
     if in include inherit initializer lazy let match method module mutable new nonrec object of open or private rec \
     sig struct then to true try type val virtual when while with asr land lor lsl lsr lxor mod"

let scope taken =
  let scope = Hashtbl.create 32 in
  List.iter (fun name -> Hashtbl.replace scope name ()) (keywords @ taken);
  scope

let fresh scope name =
  let rec first n =
    let candidate = if n = 1 then name else Printf.sprintf "%s_%d" name n in
    if Hashtbl.mem scope candidate then first (n + 1) else candidate
  in
  let name = first 1 in
  Hashtbl.add scope name ();
  name
