(** Times as RFC 3339 writes them.

    The first log message lies on the way from power-on to a unikernel's first line. There the general ways of Ptime
    and Format, run for the first time under an emulator, would take as long as a tenth of the boot. *)

val of_posix_seconds : int -> string
(** [of_posix_seconds s] is the time [s] seconds after 1970-01-01 00:00:00 UTC, for years up to 9999, in UTC with an
    unknown local offset: [2026-01-31T12:00:00-00:00]. *)
