(* Sends and receives as many bytes as it is told: TCP port 5001 gives them, 5002 takes them. *)
open Mirage

let packages = [ package "mirage-crypto" ]
let main = main ~packages "Unikernel.Main" (stackv4v6 @-> job)
let () = register "bulk" [ main $ generic_stackv4v6 default_network ]
