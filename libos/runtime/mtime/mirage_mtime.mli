(** The monotonic clock. *)

val elapsed_ns : unit -> int64
(** [elapsed_ns ()] counts the nanoseconds since boot. It never goes backwards. *)

val period_ns : unit -> int64 option
(** [period_ns ()] is the time between two ticks of the clock. *)
