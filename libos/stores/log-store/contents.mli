(** What a store has at a moment: its keys, and how much of it is in use. *)

type t = private {
  index : Entry.t Kv_index.t;
  keys : int;
  used : int;  (** In bytes, as {!Space.cost} counts. *)
}

val empty : t
val set : Layout.t -> t -> string -> Entry.t -> t
val remove : Layout.t -> t -> string -> t
(** [remove layout t path] is without the value at [path], and without all below. *)
