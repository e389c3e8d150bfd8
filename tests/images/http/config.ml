(* A server that takes its connections itself, and one that serves a store. *)
open Mirage

let connections = conduit_direct (generic_stackv4v6 default_network)
let main = main "Unikernel.Main" (conduit @-> kv_ro @-> job) ~packages:[ package "cohttp-mirage" ]
let () = register "http" [ main $ connections $ crunch "files" ]
