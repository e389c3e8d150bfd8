type t = Bool of bool | Int of int | String of string | List of t list | Object of (string * t) list

let quote text =
  let buffer = Buffer.create (String.length text + 2) in
  let add = function
    | '"' -> Buffer.add_string buffer "\\\""
    | '\\' -> Buffer.add_string buffer "\\\\"
    | '\n' -> Buffer.add_string buffer "\\n"
    | '\x00' .. '\x1f' as control -> Printf.bprintf buffer "\\u%04x" (Char.code control)
    | char -> Buffer.add_char buffer char
  in
  Buffer.add_char buffer '"';
  String.iter add text;
  Buffer.add_char buffer '"';
  Buffer.contents buffer

let rec to_line = function
  | Bool bool -> string_of_bool bool
  | Int int -> string_of_int int
  | String text -> quote text
  | List items -> "[" ^ String.concat ", " (List.map to_line items) ^ "]"
  | Object fields ->
      let field (name, value) = quote name ^ ": " ^ to_line value in
      "{" ^ String.concat ", " (List.map field fields) ^ "}"

let plain = function Bool _ | Int _ | String _ -> true | List _ | Object _ -> false

let to_text json =
  let rec text indent json =
    let inner = indent ^ "  " in
    let block opening closing items =
      opening ^ "\n" ^ inner ^ String.concat (",\n" ^ inner) items ^ "\n" ^ indent ^ closing
    in
    match json with
    | List items when not (List.for_all plain items) -> block "[" "]" (List.map (text inner) items)
    | Object fields when not (List.for_all (fun (_, value) -> plain value) fields) ->
        block "{" "}" (List.map (fun (name, value) -> quote name ^ ": " ^ text inner value) fields)
    | json -> to_line json
  in
  text "" json ^ "\n"
