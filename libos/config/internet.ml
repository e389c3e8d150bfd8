open Impl
open Network

type v4
type v6
type v4v6
type 'a ip
type ipv4 = v4 ip
type ipv6 = v6 ip
type ipv4v6 = v4v6 ip

let ipv4 = abstract_type ()
let ipv6 = abstract_type ()
let ipv4v6 = abstract_type ()
let tcpip library = Package.v ~sublibs:[ library ] "tcpip"
let default_ipv4 = Ipaddr.V4.Prefix.of_string_exn "10.0.0.2/24"

let keyed_create_ipv4 ?group ?(network = default_ipv4) ?gateway ethernet_t arp_t =
  let runtime_args =
    Runtime_arg.[ v (ipv6_only ?group ()); v (ipv4 ?group network); v (ipv4_gateway ?group gateway) ]
  in
  over "Static_ipv4.Make" ~variable:"ip4"
    ~packages:[ tcpip "ipv4" ]
    ~runtime_args
    ~labels:[ "~no_init:"; "~cidr:"; "?gateway:" ]
    (ethernet @-> arpv4 @-> ipv4)
  $ ethernet_t $ arp_t

let create_ipv4 ?group ethernet arp = keyed_create_ipv4 ?group ethernet arp

let keyed_create_ipv6 ?group ?network:own ?gateway network_t ethernet_t =
  let runtime_args =
    Runtime_arg.
      [
        v (ipv4_only ?group ());
        v (accept_router_advertisements ?group ());
        v (ipv6 ?group own);
        v (ipv6_gateway ?group gateway);
      ]
  in
  over "Ipv6.Make" ~variable:"ip6"
    ~packages:[ tcpip "ipv6" ]
    ~runtime_args
    ~labels:[ "~no_init:"; "~handle_ra:"; "?cidr:"; "?gateway:" ]
    (network @-> ethernet @-> ipv6)
  $ network_t $ ethernet_t

let create_ipv6 ?group network ethernet = keyed_create_ipv6 ?group network ethernet

let create_ipv4v6 ?group ipv4_t ipv6_t =
  let runtime_args = Runtime_arg.[ v (ipv4_only ?group ()); v (ipv6_only ?group ()) ] in
  over "Tcpip_stack_direct.IPV4V6" ~variable:"ip"
    ~packages:[ tcpip "stack-direct" ]
    ~runtime_args
    ~labels:[ "~ipv4_only:"; "~ipv6_only:" ]
    (ipv4 @-> ipv6 @-> ipv4v6)
  $ ipv4_t $ ipv6_t

type qubesdb

let qubesdb = abstract_type ()
let default_qubesdb = unsupported "default_qubesdb"
let ipv4_qubes _ _ _ = unsupported "ipv4_qubes"

type dhcp_ipv4
type lease
type dhcp_requests = int list ref

let dhcp_ipv4 = abstract_type ()
let lease = abstract_type ()
let make_dhcp_requests () = ref []

(* RFC 2132: 0 and 255 are no options. *)
let add_dhcp_request requests option =
  if option <= 0 || option >= 255 then
    Refusal.refuse ~hint:"DHCP options are numbered 1 to 254; 6 asks for DNS servers." "There is no DHCP option %d." option;
  requests := option :: !requests

let dhcp_packages = [ Package.v ~sublibs:[ "mirage" ] "charrua-client" ]

let ipv4_of_dhcp ?group ?(dhcp_requests = make_dhcp_requests ()) ?gateway network_t ethernet_t arp_t =
  let runtime_args =
    Runtime_arg.[ v (ipv6_only ?group ()); v (optional_ipv4 ?group ()); v (ipv4_gateway ?group gateway) ]
  in
  let connect _ module_name = function
    | [ network; ethernet; arp; no_init; cidr; gateway ] ->
        let requests = String.concat "; " (List.map string_of_int (List.sort_uniq compare !dhcp_requests)) in
        code ~pos:__POS__
          "%s.connect ~no_init:%s ?cidr:%s ?gateway:%s\n  ~hostname:(Mirage_runtime.name ()) ~requests:[%s] %s %s %s"
          module_name no_init cidr gateway requests network ethernet arp
    | _ -> assert false
  in
  v "Dhcp_ipv4.Make" ~variable:"dhcp" ~packages:dhcp_packages ~runtime_args ~connect
    (network @-> ethernet @-> arpv4 @-> dhcp_ipv4)
  $ network_t $ ethernet_t $ arp_t

let dhcp_projection module_name variable typ = over module_name ~variable ~packages:dhcp_packages (dhcp_ipv4 @-> typ)
let dhcp_proj_net = dhcp_projection "Dhcp_ipv4.Proj_net" "dhcp_net" network
let dhcp_proj_ipv4 = dhcp_projection "Dhcp_ipv4.Proj_ipv4" "ip4" ipv4
let dhcp_proj_lease = dhcp_projection "Dhcp_ipv4.Proj_lease" "lease" lease
let no_lease = v "Lwt" ~variable:"lease" ~connect:(fun _ _ _ -> code ~pos:__POS__ "return None") lease
