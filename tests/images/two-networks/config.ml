(* Two network interfaces, each with a stack of its own. *)
open Mirage

let main = main "Unikernel.Main" (stackv4v6 @-> stackv4v6 @-> job)
let inside = generic_stackv4v6 ~group:"inside" (netif "inside")
let () = register "two-networks" [ main $ generic_stackv4v6 default_network $ inside ]
