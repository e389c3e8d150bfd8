open Mirage

type counter = COUNTER

let counter = typ COUNTER
let first = Runtime_arg.create ~pos:__POS__ "Unikernel.first"

let up =
  let connect _ module_name = function
    | [ first ] -> code ~pos:__POS__ "%s.connect %s" module_name first
    | _ -> connect_err "up" 1
  in
  impl "Counter.Up" counter ~runtime_args:[ Runtime_arg.v first ] ~connect

let doubled =
  let connect _ module_name = function
    | [ inner ] -> code ~pos:__POS__ "%s.connect %s" module_name inner
    | _ -> connect_err "doubled" 1
  in
  impl "Counter.Doubled" (counter @-> counter) ~connect

let last = runtime_arg ~pos:__POS__ "Unikernel.last"
let main = main "Unikernel.Main" (counter @-> counter @-> job) ~runtime_args:[ last ]
let () = register "functors" [ main $ up $ (doubled $ up) ]
