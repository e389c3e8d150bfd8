(** The POSIX clock: date and time of day. *)

val now : unit -> Ptime.t
(** [now ()] is the current time. *)

val period : unit -> Ptime.span option
(** [period ()] is the time between two ticks of the clock. *)

val current_tz_offset_s : unit -> int option
(** [current_tz_offset_s ()] is local time minus UTC in seconds. A unikernel is nowhere: [None]. *)

(** {1 In days and picoseconds} *)

val now_d_ps : unit -> int * int64
(** [now_d_ps ()] is the current time as days since 1970-01-01 and picoseconds of that day, in UTC. *)

val period_d_ps : unit -> (int * int64) option
(** [period_d_ps ()] is {!period} in days and picoseconds. *)
