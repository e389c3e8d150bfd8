(** Network interfaces, Ethernet and ARP. *)

open Impl

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
