(** The transmission control block: all that one end knows of a connection (RFC 9293, section 3.3.1). Times are
    nanoseconds of one clock; a time that will not come is {!never}. *)

type phase =
  | Syn_sent
  | Syn_received
  | Established
  | Fin_wait_1
  | Fin_wait_2
  | Close_wait
  | Closing
  | Last_ack
  | Time_wait
  | Closed

(** Why a connection ended before its time. *)
type failure =
  | Refused  (** The peer answered the SYN with a reset. *)
  | Reset  (** Either end reset it. *)
  | Timeout  (** What was sent again and again was not acknowledged. *)
  | Silent  (** Keep-alive probes were not answered. *)

type keepalive = { after : int; interval : int; probes : int }

type t = {
  passive : bool;  (** The peer opened the connection. *)
  mutable phase : phase;
  mutable failure : failure option;
  queue : Send_queue.t;
  iss : Sequence.t;  (** Initial send sequence number. *)
  mutable una : Sequence.t;  (** The first that is not acknowledged. *)
  mutable next : Sequence.t;  (** The next to be sent. *)
  mutable highest : Sequence.t;  (** Behind the highest that was ever sent. *)
  mutable peer_window : int;  (** From [una] on, scaled. *)
  mutable largest_window : int;  (** That the peer ever offered. *)
  mutable window_sequence : Sequence.t;  (** The segment that said [peer_window]: its number ... *)
  mutable window_ack : Sequence.t;  (** ... and its acknowledgement. *)
  mutable send_scale : int;  (** The shift of the peer's windows. *)
  mutable mss : int;  (** Payload of a full segment that is sent. *)
  mutable burst : int;  (** Payload that the layer below takes at once, to cut it into segments of [mss]. *)
  mutable finishing : bool;  (** The application writes no more; FIN follows the queue. *)
  mutable no_delay : Sequence.t;  (** What is before is sent at once, in however small a segment. *)
  mutable small : Sequence.t;  (** Behind the last small segment sent. *)
  mutable sent_at : int;  (** When data was last sent. *)
  rto : Rto.t;
  mutable congestion : Congestion.t;
  scoreboard : Scoreboard.t;
  mutable resend : bool;  (** The segment at [una] is lost and to be sent again. *)
  mutable resent : Sequence.t;  (** What was lost before is sent again already. *)
  mutable resent_until : Sequence.t;  (** What had been sent when that began. *)
  mutable resend_ts : int;  (** The timestamp with which it began. *)
  mutable tail_probed : Sequence.t;  (** Behind what was under way at the last tail loss probe. *)
  mutable timed : Sequence.t;  (** Whose acknowledgement gives the round-trip time, if there are no timestamps. *)
  mutable timed_at : int;
  mutable retries : int;  (** Time-outs since the peer acknowledged something. *)
  received : Receive_queue.t;
  reassembly : Reassembly.t;
  mutable irs : Sequence.t;  (** Initial receive sequence number. *)
  mutable receive_next : Sequence.t;
  mutable advertised : Sequence.t;  (** The right edge of the window that the peer was told. *)
  mutable receive_scale : int;
  mutable receive_limit : int;  (** What is buffered for the application at most. *)
  mutable consumed : int;  (** Read since [receive_limit] grew. *)
  mutable fin_at : Sequence.t;  (** The number of the peer's FIN that came early. *)
  mutable reading : bool;  (** What comes is wanted. *)
  mutable orphan : bool;  (** The application has closed it. *)
  own_mss : int;  (** What this end takes in a segment. *)
  mutable sack : bool;
  mutable timestamps : bool;
  ts_offset : int;  (** Random, so that timestamps do not tell how long this host is up. *)
  mutable ts_recent : int;
  mutable ts_recent_at : int;
  mutable ack_now : bool;
  mutable unacknowledged : int;  (** Segments with data since the last acknowledgement. *)
  mutable quick : int;  (** So many segments more are acknowledged at once. *)
  mutable last_ack : Sequence.t;  (** The last acknowledgement sent. *)
  mutable reply : Segment.t option;  (** To be sent before all else, whatever the phase. *)
  mutable challenged_at : int;  (** When counting [challenges] began. *)
  mutable challenges : int;
  mutable retransmit_at : int;
  mutable tail_at : int;  (** A tail loss probe is due. *)
  mutable probe_at : int;  (** A closed or small window is probed. *)
  mutable ack_at : int;  (** A delayed acknowledgement is due. *)
  mutable release_at : int;  (** A small segment is held back no longer. *)
  mutable expire_at : int;  (** The end of TIME-WAIT, or of an orphan's wait for the peer. *)
  keepalive : keepalive option;
  mutable heard_at : int;
  mutable probes : int;  (** Keep-alive probes not answered. *)
  mutable asked_at : int;  (** When the last of them was sent. *)
}

val never : int

val default_mss : int
(** [default_mss] is what a peer takes that does not say, 536. *)

val create :
  passive:bool ->
  mss:int ->
  burst:int ->
  iss:Sequence.t ->
  ts_offset:int ->
  keepalive:keepalive option ->
  now:int ->
  t
(** [create … ~mss ~burst …] is closed, for somebody to open. [mss] is what this end takes and sends in a segment at
    most, options included. *)

(** {1 Questions} *)

val finish : t -> Sequence.t
(** [finish t] is the number behind the last byte written, which FIN has if it follows. *)

val room : t -> int
(** [room t] is how much more can be buffered for the application. *)

val edge : t -> Sequence.t
(** [edge t] is behind the last byte that is taken. *)

val flight : t -> int
(** [flight t] is how much has been sent and not acknowledged. *)

val position : t -> Sequence.t
(** [position t] is the number of a segment without data: behind all that was sent, for after a time-out [next] is a
    number that the peer may have left behind, and whose segments it would not look at. *)

val lost_before : t -> Sequence.t
(** [lost_before t] is {!Scoreboard.lost_before} of [t]. *)

val held : t -> int
(** [held t] is what is buffered for the application, in order or not. *)

val timestamp : t -> now:int -> int

(** {1 Changes} *)

val await_tail : t -> now:int -> unit
(** [await_tail t ~now] sets the timer for a tail loss probe (RFC 8985, section 7), if [t] is in a state for it. *)

val close : t -> unit
(** [close t] ends [t]; what was received can still be read. *)

val fail : t -> failure -> unit
(** [fail t failure] is {!close}, for a reason. *)

val abort : t -> failure -> unit
(** [abort t failure] is {!fail}, and tells the peer by a reset. *)

val wait_for_strays : t -> now:int -> unit
(** [wait_for_strays t ~now] enters TIME-WAIT. *)

val challenge : t -> now:int -> unit
(** [challenge t ~now] acknowledges what [t] has to a segment that may be forged, unless that was done often lately. *)
