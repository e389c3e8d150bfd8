(** The head of a request: its first line and its header fields, as RFC 9112 (sections 2 to 6) and RFC 9110 have them.

    The parser is total: any bytes make a request, a refusal, or a wish for more bytes, and it does not matter in which
    pieces they come. What a request may be taken for by another reader of it is refused, not guessed. *)

type t
(** A head that is being read. *)

val create : Limits.t -> t

type outcome =
  | Complete of int  (** The head ends before this place. *)
  | Incomplete of int  (** All before this place is taken; call again with what is from there on, and more behind it. *)
  | Refused of Refusal.t

val parse : t -> string -> int -> outcome
(** [parse t data place] reads on in [data] from [place]. *)

(** {1 A complete head} *)

val request : t -> Cohttp.Request.t

(** What follows the head. *)
type framing = Nothing | Length of int  (** Bytes; more than 0. *) | Chunked

val framing : t -> framing

val keep_alive : t -> bool
(** [keep_alive t] is whether the client expects the connection to stay open for another request. *)

val expects_continue : t -> bool
(** [expects_continue t] is whether the client waits for [100 Continue] before it sends the body. *)
