(** Hosts on a {!Segment}, for tests in virtual time. *)

module E : module type of Ethernet.Make (Segment)
module A : module type of Arp.Make (E)
module V4 : module type of Static_ipv4.Make (E) (A)
module V6 : module type of Ipv6.Make (Segment) (E)
module Ip : module type of Tcpip_stack_direct.IPV4V6 (V4) (V6)
module I : module type of Icmpv4.Make (V4)
module U : module type of Udp.Make (Ip)
module T : module type of Tcp.Flow.Make (Ip)
module Stack : module type of Tcpip_stack_direct.MakeV4V6 (Segment) (E) (A) (Ip) (I) (U) (T)

type t = { netif : Segment.t; ethernet : E.t; arp : A.t; ipv4 : V4.t; ipv6 : V6.t; ip : Ip.t; stack : Stack.t }

val host : ?gateway:string -> ?ipv6:string -> Segment.wire -> string -> t Lwt.t
(** [host wire "10.0.0.1/24"] is a host with all its layers. *)

val run : (unit -> 'a Lwt.t) -> 'a
(** [run f] is what [f ()] promises. *)

val ms : int -> unit Lwt.t
(** [ms n] is [n] milliseconds from now. *)

val s : int -> unit Lwt.t
val ip4 : string -> Ipaddr.V4.t
val ip6 : string -> Ipaddr.V6.t
val mac : int -> Macaddr.t
(** [mac n] is the address of the [n]th interface of a wire, from 1. *)

val hex : string -> Cstruct.t
(** [hex "45 00"] is these bytes. *)

val warnings : unit -> string list
(** [warnings ()] is what was logged as a warning or worse since the last call. *)

val short : string Alcotest.testable
(** Strings, of which a failed test shows the beginning. *)
