type set = string

let set f = String.init 256 (fun code -> if f (Char.chr code) then '\001' else '\000')

let token =
  set (function
    | 'a' .. 'z' | 'A' .. 'Z' | '0' .. '9' -> true
    | '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '.' | '^' | '_' | '`' | '|' | '~' -> true
    | _ -> false)

let target = set (function '\000' .. ' ' | '\127' -> false | _ -> true)
let value = set (function '\t' | ' ' .. '~' | '\128' .. '\255' -> true | _ -> false)

let mem set char = String.unsafe_get set (Char.code char) <> '\000'

let rec skip set text i stop =
  if i < stop && mem set (String.unsafe_get text i) then skip set text (i + 1) stop
  else i

let same lower text =
  let length = String.length lower in
  let rec from i = i = length || (Char.equal lower.[i] (Char.lowercase_ascii text.[i]) && from (i + 1)) in
  String.length text = length && from 0
