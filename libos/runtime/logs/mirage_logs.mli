(** The log reporter of a unikernel. *)

val create : ?ch:Format.formatter -> unit -> Logs.reporter
(** [create ()] prints each message on a line of [ch], standard error unless given:
    [2026-01-31T12:00:00-00:00: [INFO] [source] message]. *)
