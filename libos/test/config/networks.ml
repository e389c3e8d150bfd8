(* A network stack, and another with a group of its own. *)

open Mirage

let main = main "Unikernel.Main" (stackv4v6 @-> stackv4v6 @-> job)

let fixed =
  generic_stackv4v6 (netif "inside") ~group:"inside"
    ~ipv4_network:(Ipaddr.V4.Prefix.of_string_exn "192.168.0.1/16")
    ~ipv4_gateway:(Ipaddr.V4.of_string_exn "192.168.255.254")

let () = register "networks" [ main $ generic_stackv4v6 default_network $ fixed ]
