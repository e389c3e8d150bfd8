open Cohttp
open Lwt.Infix

let src = Logs.Src.create "http.response" ~doc:"HTTP responses"

module Log = (val Logs.src_log src)

module Make (F : Mirage_flow.S) = struct
  module Channel = Channel.Make (F)

  let room_for_head = 1 lsl 12

  (* The head and what fits of the body, then the rest. *)
  let write_string channel body ~ok =
    let first = Int.min (String.length body) (Limits.piece_bytes - room_for_head) in
    Channel.write channel (Reply_head.joined body first) >>= function
    | true when first < String.length body -> Channel.write_string channel ~from:first body >|= fun sent -> sent && ok
    | sent -> Lwt.return (sent && ok)

  let chunk piece = Printf.sprintf "%x\r\n%s\r\n" (String.length piece) piece
  let last_chunk = "0\r\n\r\n"

  (* What is there without waiting goes out together: a small segment of its own might wait for an acknowledgement. *)
  let write_stream channel ~head stream (framing : Reply_head.framing) ~ok =
    let buffer = Buffer.create 512 in
    let left = ref (match framing with Length length -> length | _ -> max_int) in
    let flush () =
      let text = Buffer.contents buffer in
      Buffer.clear buffer;
      Channel.write_string channel text
    in
    let finish ~whole =
      if not whole then Log.err (fun log -> log "a body is shorter than its response says");
      if framing = Chunked then Buffer.add_string buffer last_chunk;
      flush () >|= fun sent -> sent && whole && ok
    in
    let rec pump () =
      if Buffer.length buffer >= Limits.piece_bytes then
        flush () >>= function true -> pump () | false -> Lwt.return_false
      else
        let next = Lwt_stream.get stream in
        if Lwt.is_sleeping next then
          flush () >>= function true -> next >>= take | false -> Lwt.return_false
        else next >>= take
    and take = function
      | None -> finish ~whole:(!left = 0 || framing = Chunked || framing = Until_close)
      | Some piece when String.length piece > !left ->
          Log.err (fun log -> log "a body is longer than its response says");
          Buffer.add_string buffer (String.sub piece 0 !left);
          finish ~whole:true
      | Some "" -> pump ()
      | Some piece ->
          Buffer.add_string buffer (if framing = Chunked then chunk piece else piece);
          left := !left - String.length piece;
          pump ()
    in
    Buffer.add_string buffer head;
    Lwt.catch pump (fun exn ->
        Log.err (fun log -> log "a body failed: %s" (Printexc.to_string exn));
        Lwt.return_false)

  (* RFC 9110, sections 6.4.1 and 8.6 *)
  let has_body (response : Response.t) =
    match response.status with
    | `OK -> true
    | status ->
        let code = Code.code_of_status status in
        code >= 200 && code <> 204 && code <> 304

  let framing (request : Request.t) (response : Response.t) (body : Cohttp_lwt.Body.t) : Reply_head.framing =
    if not (has_body response) then if response.status = `Not_modified then As_said else Nothing
    else
      match body with
      | `Empty -> if request.meth = `HEAD && Header.mem response.headers "content-length" then As_said else Length 0
      | `String text -> Length (String.length text)
      | `Strings texts -> Length (List.fold_left (fun sum text -> sum + String.length text) 0 texts)
      | `Stream _ -> (
          match response.encoding with
          | Fixed length when Int64.compare length 0L >= 0 -> Length (Int64.to_int length)
          | Fixed _ | Chunked | Unknown -> if request.version = `HTTP_1_0 then Until_close else Chunked)

  let respond channel (request : Request.t) ~keep_alive response body =
    let framing = framing request response body in
    let ok = Reply_head.write response framing ~request_version:request.version ~keep_alive in
    match framing with
    | Nothing | As_said -> write_string channel "" ~ok
    | Length _ | Chunked | Until_close -> (
        match body with
        | _ when request.meth = `HEAD -> write_string channel "" ~ok
        | `Empty -> write_string channel "" ~ok
        | `String text -> write_string channel text ~ok
        | `Strings texts -> write_string channel (String.concat "" texts) ~ok
        | `Stream stream -> write_stream channel ~head:(Reply_head.text ()) stream framing ~ok)

  let respond_head channel (request : Request.t) ~keep_alive (response : Response.t) =
    let framing : Reply_head.framing =
      if not (has_body response) then Nothing
      else
        match response.encoding with
        | Chunked -> Chunked
        | Fixed length -> Length (Int64.to_int length)
        | Unknown -> Until_close
    in
    let ok = Reply_head.write response framing ~request_version:request.version ~keep_alive in
    write_string channel "" ~ok
end
