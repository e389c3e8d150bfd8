(** What is sent, and when. *)

val segments : Tcb.t -> now:int -> (Segment.t -> unit) -> unit
(** [segments t ~now send] sends all that is due: data as far as the windows go, what was lost, an acknowledgement; and
    sets the timers. Whoever calls it late, once for several events, gets fewer segments. *)

val keepalive : Tcb.t -> now:int -> Segment.t
(** [keepalive t ~now] asks the peer for an acknowledgement by one number that it has acknowledged before. *)

val tail_probe : Tcb.t -> now:int -> (Segment.t -> unit) -> unit
(** [tail_probe t ~now send] sends one segment more, of new data or the last again: if the last ones are lost, its
    acknowledgement tells what is missing long before the time-out. *)

val probe : Tcb.t -> now:int -> (Segment.t -> unit) -> unit
(** [probe t ~now send] sends what comes first in the queue, though the window may be closed. *)
