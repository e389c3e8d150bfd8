(** The main loop. *)

val run : unit Lwt.t -> unit
(** [run promise] runs the unikernel until [promise] is resolved: it wakes whoever is due, runs the hooks of
    {!Mirage_runtime}, and idles until the next deadline or event. If [promise] is rejected, it prints the
    exception with its backtrace and exits with status 2. So it does if a promise of {!Lwt.async} is rejected.

    The hooks of {!Mirage_runtime.at_exit} run when the program ends, whichever way it does. *)
