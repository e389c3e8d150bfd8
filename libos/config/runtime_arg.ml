type pos = string * int * int * int
type t = { name : string; term : string; pos : pos option; packages : Package.t list }
type 'a arg = t

(* Whatever expression it is, it becomes the argument of a function. *)
let parenthesised term = if String.contains term ' ' then "(" ^ term ^ ")" else term

let create ~pos ?(packages = []) term =
  { name = Name.of_expression term; term = parenthesised term; pos = Some pos; packages }

let stock ~name term = { name; term; pos = None; packages = [] }
let v arg = arg
let name arg = arg.name
let term arg = arg.term
let pos arg = arg.pos
let packages arg = arg.packages
let logs = stock ~name:"logs_arg" "Mirage_runtime.logs"
let delay = stock ~name:"delay_arg" "Mirage_runtime.delay"
