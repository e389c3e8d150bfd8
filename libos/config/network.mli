(** Networks, from the interface up to TCP and UDP. *)

open Impl

(** {1 Interfaces} *)

type network

val network : network typ
(** [Mirage_net.S]. *)

val default_network : network t
(** The network interface [service]. *)

val netif : ?group:string -> string -> network t

type ethernet

val ethernet : ethernet typ
(** [Ethernet.S]. *)

val ethif : network t -> ethernet t

val etif : network t -> ethernet t
  [@@ocaml.deprecated "Use ethif."]

type arpv4

val arpv4 : arpv4 typ
(** [Arp.S]. *)

val arp : ethernet t -> arpv4 t

(** {1 IP} *)

type v4
type v6
type v4v6

type 'a ip
(** [Tcpip.Ip.S] over addresses of version ['a]. *)

type ipv4 = v4 ip
type ipv6 = v6 ip
type ipv4v6 = v4v6 ip

val ipv4 : ipv4 typ
val ipv6 : ipv6 typ
val ipv4v6 : ipv4v6 typ
val create_ipv4 : ?group:string -> ethernet t -> arpv4 t -> ipv4 t
val create_ipv6 : ?group:string -> network t -> ethernet t -> ipv6 t
val create_ipv4v6 : ?group:string -> ipv4 t -> ipv6 t -> ipv4v6 t

type qubesdb

val qubesdb : qubesdb typ
val default_qubesdb : qubesdb t
val ipv4_qubes : qubesdb t -> ethernet t -> arpv4 t -> ipv4 t

(** {1 DHCP} *)

type dhcp_ipv4
type lease
type dhcp_requests

val dhcp_ipv4 : dhcp_ipv4 typ
val lease : lease typ
val make_dhcp_requests : unit -> dhcp_requests
val add_dhcp_request : dhcp_requests -> int -> unit

val ipv4_of_dhcp :
  ?group:string ->
  ?dhcp_requests:dhcp_requests ->
  ?gateway:Ipaddr.V4.t ->
  network t ->
  ethernet t ->
  arpv4 t ->
  dhcp_ipv4 t

val dhcp_proj_net : (dhcp_ipv4 -> network) t
val dhcp_proj_ipv4 : (dhcp_ipv4 -> ipv4) t
val dhcp_proj_lease : (dhcp_ipv4 -> lease) t
val no_lease : lease t

(** {1 UDP and TCP} *)

type 'a udp
type udpv4v6 = v4v6 udp

val udp : 'a udp typ
val udpv4v6 : udpv4v6 typ
val direct_udp : 'a ip t -> 'a udp t

type 'a tcp
type tcpv4v6 = v4v6 tcp

val tcp : 'a tcp typ
val tcpv4v6 : tcpv4v6 typ
val direct_tcp : ?group:string -> 'a ip t -> 'a tcp t

(** {1 Stacks} *)

type stackv4v6

val stackv4v6 : stackv4v6 typ
(** [Tcpip.Stack.V4V6]. *)

val generic_stackv4v6 :
  ?group:string ->
  ?ipv4_network:Ipaddr.V4.Prefix.t ->
  ?ipv4_gateway:Ipaddr.V4.t ->
  ?ipv6_network:Ipaddr.V6.Prefix.t ->
  ?ipv6_gateway:Ipaddr.V6.t ->
  network t ->
  stackv4v6 t
(** [generic_stackv4v6 network] is TCP, UDP and IP over [network]. *)

val generic_stackv4v6_with_lease :
  ?group:string ->
  ?dhcp_requests:dhcp_requests ->
  ?ipv4_network:Ipaddr.V4.Prefix.t ->
  ?ipv4_gateway:Ipaddr.V4.t ->
  ?ipv6_network:Ipaddr.V6.Prefix.t ->
  ?ipv6_gateway:Ipaddr.V6.t ->
  network t ->
  stackv4v6 t * lease t

val direct_stackv4v6 :
  ?group:string -> network t -> ethernet t -> arpv4 t -> ipv4 t -> ipv6 t -> stackv4v6 t

val tcpv4v6_of_stackv4v6 : stackv4v6 t -> tcpv4v6 t
