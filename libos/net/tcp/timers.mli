(** What happens when time passes. *)

val deadline : Tcb.t -> int
(** [deadline t] is when {!expire} is next to be called; {!Tcb.never} if nothing is waited for. *)

val expire : Tcb.t -> now:int -> (Segment.t -> unit) -> unit
(** [expire t ~now send] does what is due. {!Outgoing.segments} is to be called after it. *)
