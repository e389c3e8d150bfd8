(** Web sites from key-value stores. *)

(** What a server has to have. {!Server.S} has it. *)
module type Server = sig
  type t
  type conn
  type response

  val make :
    ?conn_closed:(conn -> unit) ->
    callback:(conn -> Cohttp.Request.t -> Cohttp_lwt.Body.t -> response Lwt.t) ->
    unit ->
    t

  val respond_string :
    ?headers:Cohttp.Header.t -> status:Cohttp.Code.status_code -> body:string -> unit -> response Lwt.t

  val respond_not_found : ?uri:Uri.t -> unit -> response Lwt.t
end

module HTTP (Files : Mirage_kv.RO) (Server : Server) : sig
  val start :
    http_port:int ->
    ?request_fn:(Uri.t -> Cohttp.Header.t -> Cohttp.Header.t) ->
    Files.t ->
    ([> `TCP of int ] -> Server.t -> 'a) ->
    'a
  (** [start ~http_port ~request_fn files listen] serves [files] at [http_port]: the page of a folder is its [index.html].
      [request_fn uri headers] is the header fields that a page is sent with; [headers] are those that it would have. *)
end
