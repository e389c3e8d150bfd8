(** An Ethernet of memory that loses, delays, duplicates and spoils frames, by chance but the same in each run. *)

type faults = {
  loss : float;  (** Of all frames, 0 to 1. *)
  duplicates : float;
  spoilt : float;  (** One bit is wrong. *)
  delay : int;  (** Of each frame, nanoseconds. *)
  jitter : int;  (** More delay, up to this, by chance: frames overtake each other. *)
}

val none : faults

type wire

val create : ?faults:faults -> ?mtu:int -> ?seed:int -> unit -> wire
val set_faults : wire -> faults -> unit

val sent : wire -> Cstruct.t list
(** [sent wire] is the frames that were sent since the last call. *)

val inject : wire -> Cstruct.t -> unit
(** [inject wire frame] sends a frame from nowhere, without faults. *)

include Mirage_net.S

val attach : wire -> t
(** [attach wire] is an interface on [wire]. The first has the address 02:00:00:00:00:01. *)
