(** Running promises without a main loop. *)

val run : 'a Lwt.t -> 'a
(** [run promise] runs until [promise] is resolved. It fails if that does not happen. *)

val run_until_stuck : 'a Lwt.t -> 'a option
(** [run_until_stuck promise] is [None] if [promise] waits for what never comes. *)
