(** Module types of HTTP clients and servers, as cohttp-lwt 6 has them. *)

open Cohttp

module type IO = Cohttp_lwt.S.IO
module type Net = Cohttp_lwt.S.Net
module type Client = Cohttp_lwt.S.Client

(** A server. *)
module type Server = sig
  module IO : IO

  type body = Cohttp_lwt.Body.t

  type conn = IO.conn * Connection.t
  (** A connection, and its number. *)

  type response = Response.t * body

  type response_action = [ `Expert of Response.t * (IO.ic -> IO.oc -> unit Lwt.t) | `Response of response ]
  (** What an application makes of a request: a response with its body; or a response and a function that is given the
      connection when the head has been sent, to write the body as the head says it goes. *)

  type t
  (** An application. *)

  val make_response_action :
    ?conn_closed:(conn -> unit) -> callback:(conn -> Request.t -> body -> response_action Lwt.t) -> unit -> t

  val make_expert :
    ?conn_closed:(conn -> unit) ->
    callback:(conn -> Request.t -> body -> (Response.t * (IO.ic -> IO.oc -> unit Lwt.t)) Lwt.t) ->
    unit ->
    t

  val make : ?conn_closed:(conn -> unit) -> callback:(conn -> Request.t -> body -> response Lwt.t) -> unit -> t
  (** [make ~conn_closed ~callback ()] is the application that answers each request with what [callback] makes of it, and
      is told by [conn_closed] when a connection has ended. *)

  (** {1 Responses} *)

  val respond : ?headers:Header.t -> status:Code.status_code -> body:body -> unit -> response Lwt.t
  (** [respond ~headers ~status ~body ()] is a response. A stream is sent in chunks unless [headers] has its length. *)

  val respond_string : ?headers:Header.t -> status:Code.status_code -> body:string -> unit -> response Lwt.t

  val respond_error : ?headers:Header.t -> ?status:Code.status_code -> body:string -> unit -> response Lwt.t
  (** [respond_error ~body ()] has the status [`Internal_server_error] unless given. *)

  val respond_redirect : ?headers:Header.t -> uri:Uri.t -> unit -> response Lwt.t
  val respond_need_auth : ?headers:Header.t -> auth:Auth.challenge -> unit -> response Lwt.t
  val respond_not_found : ?uri:Uri.t -> unit -> response Lwt.t
  val resolve_local_file : docroot:string -> uri:Uri.t -> string

  (** {1 Connections} *)

  val callback : t -> IO.conn -> IO.ic -> IO.oc -> unit Lwt.t
end
