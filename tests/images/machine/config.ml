(* Shows what the machine gives: clocks, random bytes, arguments. *)
open Mirage

let main = main ~packages:[ package "duration" ] "Unikernel" job
let () = register "machine" [ main ]
