(** Values, read from the log. *)

type key := Mirage_kv.Key.t

val part :
  Log.t ->
  find:(unit -> (Entry.t, Problem.error) result) ->
  key ->
  offset:int ->
  length:int ->
  (string, Problem.error) result Lwt.t
(** [part log ~find key ~offset ~length] is a part of the value that [find] finds, as far as it goes. It is called again
    if compaction was faster. *)

val between : Ring.t -> key -> Entry.t -> int -> int -> (string, [> `Disk of string | `Damaged of key ]) result Lwt.t
(** [between ring key entry from until] is a part of a value that does not move meanwhile. *)
