(** Conversations with the core of TCP, written down: what the peer sends, what the application does, what must be sent.

    {v < S seq 0 win 65535 mss 1460 the peer sends; its numbers count from its first, 0 > S. seq 0 ack 1 this is sent;
    it is compared with what is written here, and no more connect | write 100 | write! 100 (without delay) | read 100 |
    read nothing | read end | read reset | read timeout | read refused | read silent | shutdown | deaf (reading is shut
    down) | close wait 200 milliseconds state established v}

    Segments: flags ([S F R P .]), then any of [seq N], [ack N], [len N], [win N], [mss N], [scale N], [sackok], [ts
    VALUE ECHO], [sack FIRST BEHIND], and [at MS], the time since the last step that was not [>]. Payload is a pattern
    that follows from its sequence numbers; both directions are checked for it. What follows after a [;] happens in the
    same turn of the main loop: nothing is sent before. All that is sent must be written down. *)

val play : ?mss:int -> ?burst:int -> ?keepalive:Tcp.Tcb.keepalive -> ?iss:int -> ?peer:int -> string list -> unit
(** [play steps] plays [steps] with a new connection; [iss] and [peer] are the initial sequence numbers of both ends. *)
