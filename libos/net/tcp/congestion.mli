(** How much may be under way: slow start, congestion avoidance and fast recovery (RFC 5681, NewReno: RFC 6582), limited
    transmit (RFC 3042), the initial window (RFC 6928). All sizes are bytes. *)

type t

val create : mss:int -> Sequence.t -> t
(** [create ~mss start] is for a connection whose first byte has the number [start]. *)

val window : t -> int
(** [window t] is the congestion window. *)

val recovering : t -> bool
(** [recovering t] is whether a loss is being repaired by fast recovery. *)

val left : t -> int
(** [left t] is how much of what was sent has left the network since, as duplicate acknowledgements tell. *)

val acknowledged : t -> una:Sequence.t -> bytes:int -> flight:int -> bool
(** [acknowledged t ~una ~bytes ~flight] takes note that [bytes] more are acknowledged, all before [una], of the
    [flight] that was under way. It is true if fast recovery goes on, with the segment at [una] lost as well. *)

val tolerance : t -> flight:int -> int
(** [tolerance t ~flight] is how many segments must have overtaken one for it to be taken for lost: three (RFC 5681),
    fewer where little is under way (RFC 5827), more where segments were seen to overtake each other ({!undo}). *)

val duplicate : t -> una:Sequence.t -> flight:int -> bool
(** [duplicate t ~una ~flight] takes note of a duplicate acknowledgement; it is true if the segment at [una] is to be
    taken for lost. *)

val may_recover : t -> una:Sequence.t -> bool
(** [may_recover t ~una] is whether a loss at [una] is one that neither fast recovery nor a time-out has seen to. *)

val recover : t -> flight:int -> highest:Sequence.t -> unit
(** [recover t ~flight ~highest] begins fast recovery, which ends when all before [highest] is acknowledged. *)

val undo : t -> unit
(** [undo t] takes back {!recover}: what was taken for lost had only been overtaken. *)

val timed_out : t -> flight:int -> highest:Sequence.t -> again:bool -> unit
(** [timed_out t ~flight ~highest ~again] begins slow start after a retransmission time-out; [again] if the last was not
    answered either. *)

val was_idle : t -> unit
(** [was_idle t] gives up what was learnt about the network: nothing was sent for long (RFC 5681, section 4.1). *)
