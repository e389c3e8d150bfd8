(** Sizes (bytes), numbers and times (nanoseconds) that bound what a connection and a stack may use. *)

(** {1 A connection} *)

val receive_least : int
(** What a new connection buffers for its application, 64 KiB. *)

val receive_most : int
(** What it grows to if the application keeps up, 1 MiB. *)

val window_scale : int
(** The shift of the windows that are advertised, so that {!receive_most} can be. *)

val send_least : int
(** What the application may have waiting to be sent or acknowledged, while the congestion window is small. *)

val send_most : int

val connect_attempts : int
(** How often a SYN is sent again before the peer is taken to be away: 4 times, 31 s in all. *)

val accept_attempts : int
(** How often the answer to a SYN is sent again. *)

val attempts : int
(** How often data is sent again: 200 s and more (RFC 9293, section 3.8.3, R2). *)

val orphan_attempts : int
(** The same for a connection that the application has closed, and for probes of its closed window. *)

val quick_acks : int
(** How many segments are acknowledged at once when a connection begins, and after a loss: the peer's congestion window
    is small then, and would grow slowly. *)

val delayed_ack : int
(** The longest that an acknowledgement waits for company, 40 ms. *)

val small_segment : int
(** The longest that Nagle's algorithm holds back a small segment. The RFCs say, until all is acknowledged; but a peer
    that delays acknowledgements and one that waits for them would stall each other for 40 ms. *)

val time_wait : int
val orphan_wait : int
(** How long a closed connection waits for its peer's end of the stream. *)

val challenges : int
(** Answers a second to segments that may be forged (RFC 5961, section 7). *)

val paws_idle : int
(** After so long, 24 days, a timestamp says nothing about the age of segments (RFC 7323, section 5.5). *)

(** {1 A stack} *)

val half_open : int
(** Connections whose peer has not answered yet; one more pushes out a random one. *)

val connections : int
(** Connections at once; further ones are not answered. *)

val time_waits : int
(** Connections in TIME-WAIT; one more pushes out the oldest. *)

val held : int
(** What all connections together may buffer for their applications before data that nobody waits for is dropped. *)
