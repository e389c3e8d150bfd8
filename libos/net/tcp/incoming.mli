(** What a segment does to a connection (RFC 9293, section 3.10.7). *)

val open_by : Tcb.t -> now:int -> Segment.t -> unit
(** [open_by t ~now segment] is the passive opening of the new [t] by a peer's SYN. *)

val segment : Tcb.t -> now:int -> crowded:bool -> Segment.t -> unit
(** [segment t ~now ~crowded segment] takes a segment whose checksum is right. If memory is [crowded], data is dropped
    that nobody waits for. What the segment calls for is sent by the next {!Outgoing.segments}. *)

val reopens : Tcb.t -> Segment.t -> bool
(** [reopens t segment] is whether [t] is in TIME-WAIT and [segment] is a SYN that can't be an old one, so that [t] may
    make room for a new connection (RFC 9293, section 3.10.7.4; RFC 6191). *)
