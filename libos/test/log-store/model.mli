(** What a store should do, in memory: random operations, and the states that they lead to. *)

type operation =
  | Set of Mirage_kv.Key.t * string
  | Set_partial of Mirage_kv.Key.t * int * string
  | Allocate of Mirage_kv.Key.t * int
  | Remove of Mirage_kv.Key.t
  | Rename of Mirage_kv.Key.t * Mirage_kv.Key.t

type state = string Kv_index.t

val pp_operation : operation Fmt.t

type sizes = { longest : int;  (** In bytes. *) long : int  (** How many of a hundred are of any length up to that. *) }
(** How long values are. The others have up to 700 bytes. *)

val any : Random.State.t -> sizes -> operation
(** [any random sizes] is an operation on one of a few keys. *)

val apply : state -> operation -> (state, Mirage_kv.write_error) result

val equal : state -> state -> bool
val pp_difference : (state * state) Fmt.t
