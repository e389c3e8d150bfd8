open Cohttp
open Lwt.Infix

let src = Logs.Src.create "http" ~doc:"HTTP server"

module Log = (val Logs.src_log src)

let plain_text = Header.init_with "content-type" "text/plain"

let plain status text =
  let encoding = Transfer.Fixed (Int64.of_int (String.length text)) in
  ({ Response.status; headers = plain_text; encoding; version = `HTTP_1_1; flush = true }, `String text)

let pp_request ppf { Request.meth; resource; _ } = Fmt.pf ppf "%s %s" (Code.string_of_method meth) resource

(* Clients must not keep the console busy: of what they do wrong, so much is logged in a second. *)

let most_lines = 10
let second = ref 0
let lines = ref 0

let log_refusal ~now refusal =
  if !second <> now then begin
    second := now;
    lines := 0
  end;
  incr lines;
  if !lines <= most_lines then Log.info (fun log -> log "%a" Refusal.pp refusal);
  if !lines = most_lines then Log.info (fun log -> log "more of these in the same second are not logged")

(* What an answer says to a request that could not be read. *)
let nobody's_request = Request.make (Uri.make ())

module Make (F : Mirage_flow.S) = struct
  module Channel = Channel.Make (F)
  module Incoming = Incoming.Make (F)
  module Outgoing = Outgoing.Make (F)

  type channel = Channel.t
  type conn = F.flow * Connection.t

  type response_action =
    [ `Expert of Response.t * (channel -> channel -> unit Lwt.t) | `Response of Response.t * Cohttp_lwt.Body.t ]

  type application = {
    callback : conn -> Request.t -> Cohttp_lwt.Body.t -> response_action Lwt.t;
    conn_closed : conn -> unit;
  }


  (* What comes after a request. *)
  type next = Next_request | End

  let the_end = Lwt.return End

  type t = {
    limits : Limits.t;
    deadlines : Deadlines.t;
    application : application;
    conn : conn;
    channel : Channel.t;
    guard : Deadlines.guard;
    mutable arrived : [ `Ok | `Eof ] -> next Lwt.t;  (* what to do with the first bytes of a request *)
  }

  (* The ways in which a connection ends *)

  let linger t = Channel.linger t.channel >|= fun () -> End

  let refuse t (refusal : Refusal.t) =
    log_refusal ~now:(Deadlines.seconds t.deadlines) refusal;
    let response, body = plain refusal.status (refusal.reason ^ "\n") in
    Outgoing.respond t.channel nobody's_request ~keep_alive:false response body >>= fun (_ : bool) -> linger t

  let end_within_head t =
    if Deadlines.expired t.guard then
      refuse t { status = `Request_timeout; reason = "the request did not come in time" }
    else begin
      Log.debug (fun log -> log "the connection ended within a request");
      the_end
    end

  (* A request *)

  let continue t incoming ok =
    if not ok then if Incoming.is_finished incoming then the_end else linger t
    else Incoming.finish incoming >>= function true -> Lwt.return Next_request | false -> linger t

  let act t head request incoming action =
    let keep_alive = Request_head.keep_alive head && Incoming.can_finish incoming in
    match action with
    | `Response (response, body) ->
        Outgoing.respond t.channel request ~keep_alive response body >>= continue t incoming
    | `Expert (response, write_body) ->
        Outgoing.respond_head t.channel request ~keep_alive response >>= fun ok ->
        Deadlines.unlimited t.guard;
        write_body t.channel t.channel >>= fun () -> continue t incoming ok

  let answer t head =
    let request = Request_head.request head in
    let incoming = Incoming.create t.limits t.channel head in
    let act action =
      match Incoming.trouble incoming with
      | Some refusal -> refuse t refusal
      | None -> act t head request incoming action
    in
    Lwt.try_bind
      (fun () -> t.application.callback t.conn request (Incoming.body incoming))
      act
      (fun exn ->
        (* The application may fail because of what is wrong with the body: that is logged when it is refused. *)
        if Option.is_none (Incoming.trouble incoming) then
          Log.err (fun log -> log "%a: %s" pp_request request (Printexc.to_string exn));
        act (`Response (plain `Internal_server_error "Internal Server Error\n")))

  let rec read_head t head =
    match Request_head.parse head (Channel.data t.channel) (Channel.place t.channel) with
    | Complete place ->
        Channel.use t.channel place;
        answer t head
    | Refused refusal -> refuse t refusal
    | Incomplete place -> (
        Channel.use t.channel place;
        Channel.refill t.channel >>= function `Ok -> read_head t head | `Eof -> end_within_head t)

  let begin_head t =
    Deadlines.allow t.guard t.limits.head_seconds;
    read_head t (Request_head.create t.limits)

  (* While a connection is idle, this is all there is of it. *)
  let request t =
    if Channel.available t.channel > 0 then begin_head t
    else begin
      Deadlines.idle t.guard t.limits.idle_seconds;
      Channel.refill t.channel >>= t.arrived
    end

  (* A connection *)

  let close t =
    (try t.application.conn_closed t.conn
     with exn -> Log.err (fun log -> log "conn_closed failed: %s" (Printexc.to_string exn)));
    Channel.close t.channel

  let finish t ~ended = Lwt.on_any (Lwt.apply close t) (Lwt.wakeup ended) (Lwt.wakeup_exn ended)

  (* Requests that are there already need no stack, and the others no promise that grows from one to the next. *)
  let rec requests t ~ended promise =
    match Lwt.state promise with
    | Lwt.Return Next_request -> requests t ~ended (Lwt.apply request t)
    | Return End -> finish t ~ended
    | Fail exn ->
        Log.err (fun log -> log "a connection failed: %s" (Printexc.to_string exn));
        finish t ~ended
    | Sleep ->
        let again _ = requests t ~ended promise in
        Lwt.on_any promise again again

  let busy : Refusal.t = { status = `Service_unavailable; reason = "too many connections" }

  let serve limits deadlines application flow =
    let channel = Channel.create limits deadlines flow in
    let conn = (flow, Connection.create ()) in
    let guard = Channel.guard channel in
    let t = { limits; deadlines; application; conn; channel; guard; arrived = (fun _ -> the_end) } in
    t.arrived <- (function `Ok -> begin_head t | `Eof -> the_end);
    let result, ended = Lwt.wait () in
    let welcome = Deadlines.count deadlines <= limits.connections || Deadlines.spare deadlines in
    requests t ~ended (if welcome then Lwt.apply request t else refuse t busy);
    result
end
