(* A stack over an interface's frames, whatever the target: for a process, those of a TAP interface. *)
open Mirage

let main = main "Unikernel.Main" (stackv4v6 @-> job)
let net = default_network
let ethernet = ethif net
let arp = arp ethernet
let stack = direct_stackv4v6 net ethernet arp (create_ipv4 ethernet arp) (create_ipv6 net ethernet)
let () = register "frames" [ main $ stack ]
