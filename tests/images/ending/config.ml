(* Ends in the way it is told. *)
open Mirage

let main = main ~packages:[ package "duration" ] "Unikernel" job
let () = register "ending" [ main ]
