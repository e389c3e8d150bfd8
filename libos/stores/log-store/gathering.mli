(** What a store has, gathered from the records of its log: most of them were overtaken by later ones, and only what is left
    in the end is put in order. *)

type t

val create : unit -> t
val set : t -> string -> Entry.t -> unit

val remove : t -> string -> unit
(** [remove t path] takes the value at [path] away, and all values below. *)

val contents : Layout.t -> t -> Contents.t
