(** Memory that is kept for long. *)

val buffer : Cstruct.t -> Cstruct.t
(** [buffer b] is [b], copied if what [b] is a part of is several times as large: a few bytes would else hold on to a
    whole frame. *)
