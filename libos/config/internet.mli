(** IP, and how a host gets its addresses. *)

open Impl
open Network

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

(** {1 For stacks} *)

val keyed_create_ipv4 :
  ?group:string ->
  ?network:Ipaddr.V4.Prefix.t ->
  ?gateway:Ipaddr.V4.t ->
  ethernet t ->
  arpv4 t ->
  ipv4 t
(** {!create_ipv4} with other defaults. *)

val keyed_create_ipv6 :
  ?group:string ->
  ?network:Ipaddr.V6.Prefix.t ->
  ?gateway:Ipaddr.V6.t ->
  network t ->
  ethernet t ->
  ipv6 t
(** {!create_ipv6} with other defaults. *)
