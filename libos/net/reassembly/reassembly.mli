(** Packets from their fragments, in any order, within bounds of time and memory. *)

type 'key t
(** Fragments of packets that are told apart by ['key], compared with polymorphic equality. *)

val create : ?bytes:int -> unit -> 'key t
(** [create ~bytes ()] uses at most [bytes] (256 KiB) of memory for fragments, or about that; where there is no more, the
    packet that has waited longest goes. *)

val add : 'key t -> now:int64 -> 'key -> offset:int -> more:bool -> Cstruct.t -> Cstruct.t option
(** [add t ~now key ~offset ~more fragment] is the whole packet if [fragment], which came at [now] nanoseconds and
    belongs at [offset], was the last that was missing. [more] says whether others follow it.

    A packet is dropped if it is not complete after ten seconds, if its fragments overlap without being the same (RFC
    5722), do not fit together, or are more than 64. *)
