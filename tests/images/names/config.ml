(* Asks a name server, and a web server, and says what it was told. *)
open Mirage

let requests = make_dhcp_requests ()
let stack, lease = generic_stackv4v6_with_lease ~dhcp_requests:requests default_network
let dns = generic_dns_client ~dhcp:(requests, lease) stack (generic_happy_eyeballs stack)
let client = cohttp_client (resolver_dns ~dhcp:(requests, lease) stack) (conduit_direct stack)
let main = main "Unikernel.Main" (dns_client @-> http_client @-> job)
let () = register "names" [ main $ dns $ client ]
