(* A whole stack that answers: TCP and UDP on port 7 come back, TCP on port 9 is thrown away. *)
open Mirage

let main = main ~packages:[ package "duration" ] "Unikernel.Main" (stackv4v6 @-> job)
let () = register "stack" [ main $ generic_stackv4v6 default_network ]
