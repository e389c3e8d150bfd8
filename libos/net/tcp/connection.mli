(** A connection as its application sees it. Nothing here waits or sends: {!Outgoing.segments} is to be called after
    everything but the questions. *)

type t = Tcb.t

val connect : t -> unit
(** [connect t] begins the active opening of the new [t]. *)

val is_open : t -> bool
(** [is_open t] is whether both ends have agreed to open [t]; it may have ended since. *)

(** {1 Reading} *)

type input =
  | Data of Cstruct.t
  | Nothing_yet
  | End  (** The peer said that this was all, or reading was shut down. *)
  | Failed of Tcb.failure

val read : t -> input
(** [read t] takes the next data; what arrived before the end comes before it. *)

(** {1 Writing} *)

val can_write : t -> bool
(** [can_write t] is whether the application's direction is open. *)

val has_room : t -> bool
(** [has_room t] is whether the application should write more now. *)

val write : t -> no_delay:bool -> Cstruct.t -> unit
(** [write t ~no_delay buffer] appends [buffer], of any length, which must not change any more. [t] can be written. *)

(** {1 Ending} *)

val shutdown_read : t -> unit
(** [shutdown_read t] drops what arrived and what will. *)

val shutdown_write : t -> unit
(** [shutdown_write t] says that this was all, behind what was written. *)

val close : t -> now:int -> unit
(** [close t ~now] does both; the connection goes on alone until the peer has all, but not for ever. *)

val flushed : t -> bool
(** [flushed t] is whether all that was written, and the end, was sent at least once, or will never be. *)
