(** A connection of an HTTP server, from its first request to its end. *)

module Make (F : Mirage_flow.S) : sig
  type channel = Channel.Make(F).t
  type conn = F.flow * Cohttp.Connection.t

  (** What an application makes of a request: a response with its body, or one whose body it writes itself. *)
  type response_action =
    [ `Expert of Cohttp.Response.t * (channel -> channel -> unit Lwt.t)
    | `Response of Cohttp.Response.t * Cohttp_lwt.Body.t ]

  type application = {
    callback : conn -> Cohttp.Request.t -> Cohttp_lwt.Body.t -> response_action Lwt.t;
    conn_closed : conn -> unit;  (** Called once, when the connection has ended. *)
  }

  val serve : Limits.t -> Deadlines.t -> application -> F.flow -> unit Lwt.t
  (** [serve limits deadlines application flow] answers the requests of [flow] one after another, and closes it. It never
      fails: an exception of [application] is logged, and the client gets [500 Internal Server Error]. *)
end
