open Impl
open Network
open Internet

type 'a udp
type udpv4v6 = v4v6 udp

let udp = abstract_type ()
let udpv4v6 = abstract_type ()
let ip = abstract_type ()
let tcpip library = Package.v ~sublibs:[ library ] "tcpip"
let direct_udp ip_t = over "Udp.Make" ~variable:"udpv4v6" ~packages:[ tcpip "udp" ] (ip @-> udp) $ ip_t

type 'a tcp
type tcpv4v6 = v4v6 tcp

let tcp = abstract_type ()
let tcpv4v6 = abstract_type ()

let direct_tcp ?group ip_t =
  let direct = over "Tcp.Flow.Make" ~variable:"tcpv4v6" ~packages:[ tcpip "tcp" ] (ip @-> tcp) $ ip_t in
  if_ (Key.value (Key.utcp ?group ())) (unsupported "utcp") direct

type icmpv4

let icmpv4 : icmpv4 typ = abstract_type ()

let direct_icmpv4 ipv4_t =
  over "Icmpv4.Make" ~variable:"icmp" ~packages:[ tcpip "icmpv4" ] (ipv4 @-> icmpv4) $ ipv4_t

type stackv4v6

let stackv4v6 = abstract_type ()

let stack_over =
  over "Tcpip_stack_direct.MakeV4V6" ~variable:"stack"
    ~packages:[ tcpip "stack-direct" ]
    (network @-> ethernet @-> arpv4 @-> ipv4v6 @-> icmpv4 @-> udpv4v6 @-> tcpv4v6 @-> stackv4v6)

let direct_stackv4v6 ?group network ethernet arp ipv4 ipv6 =
  let ip = create_ipv4v6 ?group ipv4 ipv6 in
  stack_over $ network $ ethernet $ arp $ ip $ direct_icmpv4 ipv4 $ direct_udp ip $ direct_tcp ?group ip

(* The arguments are those of all other targets, so that a command line is good for each of them; this machine has its own
   gateways. *)
let socket_stackv4v6 =
  once (fun group ->
      let name = match group with None -> "stack" | Some group -> group ^ "-stack" in
      let used =
        Runtime_arg.
          [
            v (ipv4_only ?group ());
            v (ipv6_only ?group ());
            v (ipv4 ?group Ipaddr.V4.Prefix.global);
            v (ipv6 ?group None);
          ]
      in
      let others =
        Runtime_arg.
          [ v (ipv4_gateway ?group None); v (ipv6_gateway ?group None); v (accept_router_advertisements ?group ()) ]
      in
      let connect _ module_name = function
        | ipv4_only :: ipv6_only :: ipv4 :: ipv6 :: _ ->
            code ~pos:__POS__ "%s.connect ~ipv4_only:%s ~ipv6_only:%s\n  ~ipv4:%s ~ipv6:%s ()" module_name ipv4_only ipv6_only
              ipv4 ipv6
        | _ -> assert false
      in
      v "Tcpip_stack_socket.V4V6" ~variable:"stack"
        ~kind:(Hardware { name; kind = "sockets" })
        ~packages:[ tcpip "stack-socket" ]
        ~runtime_args:(used @ others)
        ~connect stackv4v6)

(* A process uses the sockets of its machine, unless told otherwise. *)
let uses_sockets ?group () =
  let choose is_unix net = match net with Some `Host -> true | Some `OCaml -> false | None -> is_unix in
  Key.(pure choose $ is_unix $ value (net ?group ()))

let generic_stackv4v6_with_lease ?group ?dhcp_requests ?ipv4_network ?ipv4_gateway ?ipv6_network ?ipv6_gateway network =
  let uses_dhcp = Key.map not (Key.value (Key.no_dhcp ?group ())) in
  let uses_sockets = uses_sockets ?group () in
  let ethernet = ethif network in
  let arp = arp ethernet in
  let dhcp = ipv4_of_dhcp ?group ?dhcp_requests ?gateway:ipv4_gateway network ethernet arp in
  let network = if_ uses_dhcp (dhcp_proj_net $ dhcp) network in
  let ipv4 =
    if_ uses_dhcp (dhcp_proj_ipv4 $ dhcp)
      (keyed_create_ipv4 ?group ?network:ipv4_network ?gateway:ipv4_gateway ethernet arp)
  in
  let ipv6 = keyed_create_ipv6 ?group ?network:ipv6_network ?gateway:ipv6_gateway network ethernet in
  let stack = direct_stackv4v6 ?group network ethernet arp ipv4 ipv6 in
  let lease = if_ uses_dhcp (dhcp_proj_lease $ dhcp) no_lease in
  let sockets = if_ Key.is_unix (socket_stackv4v6 group) (unsupported "network stack of the host") in
  (if_ uses_sockets sockets stack, if_ uses_sockets no_lease lease)

let generic_stackv4v6 ?group ?ipv4_network ?ipv4_gateway ?ipv6_network ?ipv6_gateway network =
  fst (generic_stackv4v6_with_lease ?group ?ipv4_network ?ipv4_gateway ?ipv6_network ?ipv6_gateway network)

let tcpv4v6_of_stackv4v6 stack_t =
  over "Tcpip_stack_direct.TCPV4V6" ~variable:"tcpv4v6" ~packages:[ tcpip "stack-direct" ] (stackv4v6 @-> tcpv4v6) $ stack_t
