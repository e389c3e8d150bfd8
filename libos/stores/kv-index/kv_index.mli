(** What a key-value store knows of its keys, kept in memory: which there are, and something of each value.

    A dictionary is there while a value is in it. No key is both: so an index stays that is changed only as {!may_set} and
    {!move} allow. Indices do not change; the functions below give new ones. *)

type 'a t
(** An index with an ['a] for each value. *)

type key := Mirage_kv.Key.t
type kind := [ `Value | `Dictionary ]

val empty : 'a t

(** {1 Looking} *)

val find : 'a t -> key -> ('a, [> Mirage_kv.error ]) result

val exists : 'a t -> key -> (kind option, [> Mirage_kv.error ]) result
(** [exists t key] is what [key] stands for. Below a value it is [`Dictionary_expected], as upstream's stores have it. *)

val list : 'a t -> key -> ((key * kind) list, [> Mirage_kv.error ]) result
(** [list t key] is what is directly in a dictionary, in the order of the last segments. It takes no longer for what is in
    the dictionaries inside. *)

val below : 'a t -> key -> (key * 'a) Seq.t
(** [below t key] is each value in a dictionary and in those inside it, in the order of their paths. *)

(** {1 Changing} *)

val may_set : 'a t -> key -> (unit, [> Mirage_kv.error ]) result
(** [may_set t key] says whether [key] can have a value. *)

val set : 'a t -> key -> 'a -> 'a t

val remove : 'a t -> key -> 'a t
(** [remove t key] is without the value or dictionary [key], if it is there. *)

val move : 'a t -> source:key -> dest:key -> ((key * key * 'a) list, [> Mirage_kv.write_error ]) result
(** [move t ~source ~dest] is each value that {!Mirage_kv.RW.rename} moves, with its old key and its new one. A dictionary
    does not replace another: that is [`Already_present]. *)

(** {1 Paths}

    A path is a key as one string: each segment with a ['/'] before it. *)

val path : key -> string

val key : string -> key
(** [key path] has the segments of [path]. It is {!Mirage_kv.Key.empty} also for a string that is no path. *)

val find_path : 'a t -> string -> 'a option
val set_path : 'a t -> string -> 'a -> 'a t
val replace_path : 'a t -> string -> 'a -> 'a t * 'a option
(** [replace_path t path value] is {!set_path}, and what was there before. *)

val remove_path : 'a t -> string -> 'a t
val fold : (string -> 'a -> 'b -> 'b) -> 'a t -> 'b -> 'b
