(* Gives and takes bytes over TCP, as bench/bulk/peer.c does on Linux. *)
open Mirage

let main = main "Unikernel.Main" (stackv4v6 @-> job)
let () = register "bulk" [ main $ generic_stackv4v6 default_network ]
