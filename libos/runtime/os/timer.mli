(** Promises that the clock keeps. *)

val sleep : int64 -> unit Lwt.t
(** [sleep ns] is resolved [ns] nanoseconds from now; [ns] is unsigned. Sleepers of one deadline wake in the order
    in which they went to sleep. {!Lwt.cancel} forgets the sleeper. *)

val next_deadline : unit -> int64
(** [next_deadline ()] is when the first sleeper is due, or [Int64.max_int] if nobody sleeps. *)

val wake_due : unit -> unit
(** [wake_due ()] wakes every sleeper whose deadline has passed. *)
