(** Waiting. *)

val ns : int64 -> unit Lwt.t
(** [ns n] is resolved [n] nanoseconds from now; [n] is unsigned. It can be cancelled. *)
