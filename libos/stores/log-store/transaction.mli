(** Changes that are written together: after a power cut all are there, or none. *)

type t

val start : Log.t -> t
(** [start log] is written at the head of [log]. There is one at a time. *)

val put : t -> path:string -> time:Record.time -> Edit.part list -> (Entry.t, Device.error) result Lwt.t
val remove : t -> string -> (unit, Device.error) result Lwt.t

val commit : t -> (unit, Device.error) result Lwt.t
(** [commit t] is resolved when all is on the medium; then the log reaches to its end. After an error it is open whether it
    will be there after a restart, and the log is what it was. *)
