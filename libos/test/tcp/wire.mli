(** Hosts on a wire of memory that loses, delays, duplicates and spoils packets, by chance but the same in each run. *)

type faults = {
  loss : float;  (** Of all packets, 0 to 1. *)
  duplicates : float;
  spoilt : float;  (** One bit is wrong. *)
  delay : int;  (** Of each packet, nanoseconds. *)
  jitter : int;  (** More delay, up to this, by chance: packets overtake each other. *)
}

val none : faults

type t

val create : ?faults:faults -> seed:int -> unit -> t
val set_faults : t -> faults -> unit

val with_card : t -> unit
(** [with_card t] gives all hosts network cards that finish checksums and cut packets, as {!Net_offload} asks for. *)

val packets : t -> int
(** [packets t] is the number of packets that were sent. *)

module Ip : Tcpip.Ip.S with type ipaddr = Ipaddr.t
module Tcp_over : module type of Tcp.Flow.Make (Ip)

val host : t -> string -> Tcp_over.t
(** [host t address] is TCP on a host of the wire. *)

val inject : t -> src:Ipaddr.t -> dst:Ipaddr.t -> Cstruct.t -> unit
(** [inject t ~src ~dst payload] sends a packet from nowhere, without faults. *)

val tap : t -> (src:Ipaddr.t -> dst:Ipaddr.t -> Cstruct.t -> unit) -> unit
(** [tap t see] shows all packets that arrive, whoever they are for. *)
