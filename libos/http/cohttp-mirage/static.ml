open Lwt.Infix

let src = Logs.Src.create "http.static" ~doc:"Web sites from key-value stores"

module Log = (val Logs.src_log src)

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

module HTTP (Files : Mirage_kv.RO) (Server : Server) = struct
  let page = "index.html"

  (* The file for a path, under its own name or as the page of a folder. *)
  let find files path =
    let get name = Files.get files (Mirage_kv.Key.v name) >|= function Ok body -> Some (name, body) | Error _ -> None in
    if path = "" then get page
    else get path >>= function Some _ as found -> Lwt.return found | None -> get (path ^ "/" ^ page)

  let start ~http_port ?(request_fn = fun _ headers -> headers) files listen =
    let callback _ request _ =
      let uri = Unikernel_cohttp.Cohttp.Request.uri request in
      find files (Unikernel_cohttp.Cohttp.Path.normalise uri) >>= function
      | Some (name, body) ->
          let headers = request_fn uri (Cohttp.Header.init_with "content-type" (Magic_mime.lookup name)) in
          Server.respond_string ~headers ~status:`OK ~body ()
      | None -> Server.respond_not_found ()
    in
    Log.info (fun log -> log "listening on port %d" http_port);
    listen (`TCP http_port) (Server.make ~callback ())
end
