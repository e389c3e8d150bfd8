(* Names from servers that are given, or that DHCP tells. *)

open Mirage

let requests = make_dhcp_requests ()
let stack = impl "Stack" stackv4v6
let lease = impl "Lease" lease
let happy_eyeballs = generic_happy_eyeballs ~connect_delay:1L stack
let plain = generic_dns_client ~nameservers:[ "10.0.0.1"; "tcp:10.0.0.2" ] ~cache_size:9 stack happy_eyeballs
let leased = generic_dns_client ~dhcp:(requests, lease) ~group:"leased" stack happy_eyeballs
let client = cohttp_client (resolver_dns ~ns:[ "10.0.0.3" ] stack) (conduit_direct stack)
let main = main "Unikernel.Main" (dns_client @-> dns_client @-> http_client @-> job)
let () = register "names" [ main $ plain $ leased $ client ]
