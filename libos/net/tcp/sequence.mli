(** Sequence numbers (RFC 9293, section 3.4).

    On the wire they have 32 bits and wrap around. Inside they are plain integers that never do: the initial number of a
    direction is below 2{^32}, and each byte counts up from there, so that they are compared and subtracted like any
    number. *)

type t = int

val wire : t -> int
(** [wire t] is the 32 bits of [t] that a segment carries. *)

val near : t -> int -> t
(** [near reference wire] is the number with the 32 bits [wire] that is nearest to [reference]: from 2{^31} below it to
    2{^31}-1 above it. *)
