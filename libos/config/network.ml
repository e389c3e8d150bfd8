open Impl

type network

let network = abstract_type ()
let default_network = unsupported "default_network"
let netif ?group:_ _ = unsupported "netif"

type ethernet

let ethernet = abstract_type ()
let ethif _ = unsupported "ethif"
let etif = ethif

type arpv4

let arpv4 = abstract_type ()
let arp _ = unsupported "arp"

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
let create_ipv4 ?group:_ _ _ = unsupported "create_ipv4"
let create_ipv6 ?group:_ _ _ = unsupported "create_ipv6"
let create_ipv4v6 ?group:_ _ _ = unsupported "create_ipv4v6"

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
let add_dhcp_request requests code = requests := code :: !requests
let ipv4_of_dhcp ?group:_ ?dhcp_requests:_ ?gateway:_ _ _ _ = unsupported "ipv4_of_dhcp"
let dhcp_proj_net = unsupported "dhcp_proj_net"
let dhcp_proj_ipv4 = unsupported "dhcp_proj_ipv4"
let dhcp_proj_lease = unsupported "dhcp_proj_lease"
let no_lease = unsupported "no_lease"

type 'a udp
type udpv4v6 = v4v6 udp

let udp = abstract_type ()
let udpv4v6 = abstract_type ()
let direct_udp _ = unsupported "direct_udp"

type 'a tcp
type tcpv4v6 = v4v6 tcp

let tcp = abstract_type ()
let tcpv4v6 = abstract_type ()
let direct_tcp ?group:_ _ = unsupported "direct_tcp"

type stackv4v6

let stackv4v6 = abstract_type ()

let generic_stackv4v6 ?group:_ ?ipv4_network:_ ?ipv4_gateway:_ ?ipv6_network:_ ?ipv6_gateway:_ _ =
  unsupported "generic_stackv4v6"

let generic_stackv4v6_with_lease ?group:_ ?dhcp_requests:_ ?ipv4_network:_ ?ipv4_gateway:_ ?ipv6_network:_
    ?ipv6_gateway:_ _ =
  (unsupported "generic_stackv4v6_with_lease", unsupported "generic_stackv4v6_with_lease")

let direct_stackv4v6 ?group:_ _ _ _ _ _ = unsupported "direct_stackv4v6"
let tcpv4v6_of_stackv4v6 _ = unsupported "tcpv4v6_of_stackv4v6"
