(** A response, on its way to the client. *)

module Make (F : Mirage_flow.S) : sig
  val respond :
    Channel.Make(F).t -> Cohttp.Request.t -> keep_alive:bool -> Cohttp.Response.t -> Cohttp_lwt.Body.t -> bool Lwt.t
  (** [respond channel request ~keep_alive response body] sends a response, head and body in one buffer if they fit. It is
      whether the connection stays open: [keep_alive], unless the response says otherwise or could not be sent. Of a body
      that is longer than the response announces, the rest is not sent; one that is shorter, or that fails, ends the
      connection. *)

  val respond_head : Channel.Make(F).t -> Cohttp.Request.t -> keep_alive:bool -> Cohttp.Response.t -> bool Lwt.t
  (** [respond_head channel request ~keep_alive response] sends only the head of [response], which says how the body
      goes. *)
end
