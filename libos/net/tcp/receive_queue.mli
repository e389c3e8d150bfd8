(** Data in order that the application has not read yet. *)

type t

val create : unit -> t
val bytes : t -> int
val is_empty : t -> bool

val push : t -> Cstruct.t -> unit
(** [push t data] appends [data], which is not empty and is kept. *)

val pop : t -> Cstruct.t
(** [pop t] takes the oldest buffer.

    @raise Queue.Empty if there is none. *)

val clear : t -> unit
