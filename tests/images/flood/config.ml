(* Prints much. *)
open Mirage

let main = main "Unikernel" job
let () = register "flood" [ main ]
