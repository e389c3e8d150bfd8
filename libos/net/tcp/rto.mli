(** The retransmission time-out (RFC 6298). Times are nanoseconds. *)

type t

val create : unit -> t

val current : t -> int
(** [current t] is how long to wait for an acknowledgement. *)

val sample : t -> int -> unit
(** [sample t time] takes into account a round trip of [time], and ends the doubling. It must not be of something that
    was sent twice (Karn's algorithm). *)

val back_off : t -> unit
(** [back_off t] doubles the time-out: it has passed. *)

val recovered : t -> unit
(** [recovered t] ends the doubling: the peer was only not ready. *)

val round_trip : t -> int
(** [round_trip t] is the smoothed round-trip time; 0 before the first sample. *)
