(** How much a store can hold. Only a part of the log is ever in use for values: the rest is what compaction works with. *)

val cost : Layout.t -> path:string -> size:int -> int
(** [cost layout ~path ~size] is how many bytes of the log a value uses at most, once compaction has been over it. Small
    values count as more, so that there are not too many keys to keep in memory. *)

val most_keys : int
(** [most_keys] is how many keys a store can have: they are in memory, and put in order when it is connected. *)

val capacity : Layout.t -> int
(** [capacity layout] is how many bytes values may use. *)

val reserve : Layout.t -> int
(** [reserve layout] is how many sectors are free before a transaction that is not one of compaction's, beside its own. *)

val allows : Layout.t -> before:int -> after:int -> sectors:int -> bool
(** [allows layout ~before ~after ~sectors] says whether a transaction can be written that takes [sectors], where values use
    [before] bytes and then [after]. *)
