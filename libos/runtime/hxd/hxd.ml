type cfg = { cols : int; groupsize : int }

let default = { cols = 16; groupsize = 2 }
let printable = function ' ' .. '~' as char -> char | _ -> '.'

let line { cols; groupsize } bytes at =
  let length = min cols (String.length bytes - at) in
  let digits = Buffer.create (3 * cols) in
  for i = 0 to length - 1 do
    if i > 0 && i mod groupsize = 0 then Buffer.add_char digits ' ';
    Buffer.add_string digits (Printf.sprintf "%02x" (Char.code bytes.[at + i]))
  done;
  let width = (2 * cols) + ((cols - 1) / groupsize) in
  Printf.sprintf "%08x: %-*s  %s" at width (Buffer.contents digits) (String.map printable (String.sub bytes at length))

let lines cfg bytes =
  let rec from at = if at >= String.length bytes then [] else line cfg bytes at :: from (at + cfg.cols) in
  from 0
