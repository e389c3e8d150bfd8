(** The body of a request, as the client sends it. *)

module Make (F : Mirage_flow.S) : sig
  type t

  val create : Limits.t -> Channel.Make(F).t -> Request_head.t -> t

  val body : t -> Cohttp_lwt.Body.t
  (** [body t] is a string if all of it is there, else a stream, which fails with {!Refusal.Refused} when the body turns
      out to be wrong, too long or too late. The first piece that is asked for sends [100 Continue] to a client that
      waits for it. *)

  val trouble : t -> Refusal.t option
  (** [trouble t] is what was found to be wrong so far. *)

  val is_finished : t -> bool
  (** [is_finished t] is whether all of it was read. *)

  val can_finish : t -> bool
  (** [can_finish t] is whether it looks as if the next request could follow. *)

  val finish : t -> bool Lwt.t
  (** [finish t] reads what nobody has read, if that is not much, and is whether the next request can follow. *)
end
