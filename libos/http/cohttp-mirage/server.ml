open Cohttp
open Http_engine
open Unikernel_cohttp

module type S = sig
  include Cohttp_lwt.S.Server

  val callback : t -> IO.conn -> unit Lwt.t
end

(* What all servers share. *)
let deadlines = Deadlines.create ~sleep:Mirage_sleep.ns
let limits = ref Limits.default
let set_limits given = limits := given

module Flow (F : Mirage_flow.S) = struct
  module IO = Io.Make (F)
  module Session = Session.Make (F)

  type body = Cohttp_lwt.Body.t
  type conn = IO.conn * Connection.t
  type response = Response.t * body
  type response_action = [ `Expert of Response.t * (IO.ic -> IO.oc -> unit Lwt.t) | `Response of response ]
  type t = Session.application

  let make_response_action ?(conn_closed = ignore) ~callback () = { Session.callback; conn_closed }

  let make ?conn_closed ~callback () =
    let callback conn request body = Lwt.map (fun response -> `Response response) (callback conn request body) in
    make_response_action ?conn_closed ~callback ()

  let make_expert ?conn_closed ~callback () =
    let callback conn request body = Lwt.map (fun response -> `Expert response) (callback conn request body) in
    make_response_action ?conn_closed ~callback ()

  let no_headers = Header.init ()

  let response ?(headers = no_headers) status encoding =
    { Response.status; headers; encoding; version = `HTTP_1_1; flush = true }

  let respond_string ?headers ~status ~body () =
    let encoding = Transfer.Fixed (Int64.of_int (String.length body)) in
    Lwt.return (response ?headers status encoding, `String body)

  let respond ?headers ~status ~body () =
    let said = match headers with Some headers -> Header.get_transfer_encoding headers | None -> Unknown in
    let encoding = match said with Unknown -> Cohttp_lwt.Body.transfer_encoding body | said -> said in
    Lwt.return (response ?headers status encoding, body)

  let respond_error ?headers ?(status = `Internal_server_error) ~body () =
    respond_string ?headers ~status ~body:("Error: " ^ body) ()

  let respond_redirect ?headers ~uri () =
    let headers = Header.add_opt_unless_exists headers "location" (Uri.to_string uri) in
    respond ~headers ~status:`Found ~body:`Empty ()

  let respond_need_auth ?(headers = no_headers) ~auth () =
    respond ~headers:(Header.add_authorization_req headers auth) ~status:`Unauthorized ~body:`Empty ()

  let respond_not_found ?uri () =
    let body = match uri with Some uri -> "Not found: " ^ Uri.to_string uri | None -> "Not found" in
    respond_string ~status:`Not_found ~body ()

  let resolve_local_file = Unikernel_cohttp.Cohttp.Path.resolve_local_file
  let callback t flow = Session.serve !limits deadlines t flow
end

module Make (Conduit : Conduit_mirage.S) = struct
  include Flow (Conduit.Flow)

  let listen conduit where t = Conduit.listen conduit where (callback t)
end
