(** A flow with a buffer for what was read and not yet used, and with deadlines. No read or write raises: a connection
    that is lost has ended. *)

module Make (F : Mirage_flow.S) : sig
  type t

  val create : ?patience:int -> Limits.t -> Deadlines.t -> F.flow -> t
  (** [create limits deadlines flow] is [flow] with a buffer. With [patience] each wait for data has a deadline of so many
      seconds; else whoever waits sets one. *)

  val flow : t -> F.flow
  val guard : t -> Deadlines.guard

  (** {1 Reading} *)

  val data : t -> string
  (** [data t] is what is in the buffer, from {!place} on. *)

  val place : t -> int
  val available : t -> int

  val use : t -> int -> unit
  (** [use t place] uses up all before [place]. *)

  val take : t -> int -> string
  (** [take t length] uses up the next [length] bytes, which must be {!available}. *)

  val refill : t -> [ `Ok | `Eof ] Lwt.t
  (** [refill t] waits for more behind what is in the buffer. [`Eof] says that none will come, or that the deadline has
      passed. *)

  (** {1 Writing} *)

  val write : t -> Cstruct.t -> bool Lwt.t
  (** [write t buffer] is whether the flow took [buffer], which is then left alone. It sets the deadline. *)

  val write_string : t -> ?from:int -> string -> bool Lwt.t
  (** [write_string t ~from text] writes [text] from [from] on, piece by piece. *)

  (** {1 The end} *)

  val close : t -> unit Lwt.t

  val linger : t -> unit Lwt.t
  (** [linger t] tells the client that all is said and waits a little for its end, before {!close}: a connection that is
      closed while the client still sends is reset, and the client may not see the answer. *)
end
