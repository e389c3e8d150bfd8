open Lwt.Infix

module Main (Conduit : Conduit_mirage.S) (Files : Mirage_kv.RO) = struct
  module Server = Cohttp_mirage.Server.Make (Conduit)
  module Static = Cohttp_mirage.Static.HTTP (Files) (Server)

  let ended = ref 0
  let number conn = Cohttp.Connection.to_string (snd conn)

  (* A body of so many pieces, of which each comes a little later. *)
  let pieces count =
    let left = ref count in
    Lwt_stream.from (fun () ->
        if !left = 0 then Lwt.return_none
        else begin
          decr left;
          Mirage_sleep.ns 100_000_000L >|= fun () -> Some (Printf.sprintf "piece %d\n" !left)
        end)

  let answer conn request body =
    let status = `OK in
    let respond body = Server.respond_string ~status ~body () in
    match Uri.path (Cohttp.Request.uri request) with
    | "/echo" -> Server.respond ~status ~body ()
    | "/digest" -> Cohttp_lwt.Body.to_string body >>= fun text -> respond (Digest.to_hex (Digest.string text))
    | "/pieces" -> Server.respond ~status ~body:(`Stream (pieces 5)) ()
    | "/large" -> respond (String.init 3_000_000 (fun i -> Char.chr (i * i mod 251)))
    | "/connection" -> respond (number conn)
    | "/ended" -> respond (string_of_int !ended)
    | "/redirect" -> Server.respond_redirect ~uri:(Uri.of_string "/connection") ()
    | "/secret" -> Server.respond_need_auth ~auth:(`Basic "secret") ()
    | "/raise" -> failwith "a bug"
    | _ -> Server.respond_not_found ~uri:(Cohttp.Request.uri request) ()

  let start conduit files =
    let conn_closed _ = incr ended in
    let main = Server.listen conduit (`TCP 80) (Server.make ~conn_closed ~callback:answer ()) in
    let add_field _ headers = Cohttp.Header.add headers "x-by" "static" in
    let static = Static.start ~http_port:8080 ~request_fn:add_field files (Server.listen conduit) in
    Logs.info (fun log -> log "listening");
    Lwt.join [ main; static ]
end
