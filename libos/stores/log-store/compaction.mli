(** Making room in the log: what is at its start and still needed is written again at its end, and the start is given up. *)

val relocate : Log.t -> Contents.t -> (Contents.t * (int * int), Device.error) result Lwt.t
(** [relocate log contents] writes again what is in about the first 32nd of [log], and is where it is now, with the milestone
    that {!Log.cut} can take then. *)
