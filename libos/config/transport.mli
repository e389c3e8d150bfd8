(** UDP, TCP and whole stacks. *)

open Impl
open Network
open Internet

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
