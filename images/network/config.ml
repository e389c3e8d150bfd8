(* What the unikernel is made of. *)
open Mirage

(* TCP and UDP over IP, version 4 and 6, over Ethernet, over a network interface. Addresses come
   by DHCP, or from the command line: --ipv4=10.0.2.15/24 *)
let stack = generic_stackv4v6 default_network

(* The job is a functor: Unikernel.Main is given the module that is this stack, and its function
   [start] the stack itself. *)
let main = main "Unikernel.Main" (stackv4v6 @-> job)
let () = register "network" [ main $ stack ]
