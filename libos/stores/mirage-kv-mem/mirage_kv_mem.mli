(** A key-value store in memory: the interface of mirage-kv-mem 4.

    Values are not copied. A dictionary is there while something is in it; where a dictionary is, no value can be set. *)

type error = Mirage_kv.error
type write_error = Mirage_kv.write_error

include Mirage_kv.RW with type error := error and type write_error := write_error

val connect : ?now:(unit -> Ptime.t) -> unit -> t Lwt.t
(** [connect ~now ()] is a new store, empty. [now] gives the times of {!last_modified}: {!Mirage_ptime.now} unless
    given. A dictionary was modified when the latest of its values was. *)

val equal : t -> t -> bool
(** [equal t t'] says whether both have the same values. *)

val pp : t Fmt.t
(** [pp] prints keys, sizes and times. *)
