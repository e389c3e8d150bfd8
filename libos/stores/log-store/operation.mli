(** What can be asked of a store that changes it, worked out to the changes of the log. *)

type key := Mirage_kv.Key.t

type t =
  | Set of key * string
  | Set_partial of key * int * string  (** Where, and what. *)
  | Allocate of key * Record.time option * int
  | Remove of key
  | Rename of { source : key; dest : key }

val plan :
  Ring.t -> time:Record.time -> Contents.t -> t -> (Edit.t list * Contents.t, [ Problem.write_error | `Wait ]) result Lwt.t
(** [plan ring ~time contents t] is what has to be written, and what the store has then. It is [`Wait] if it needs values
    that are pending in [contents]. *)
