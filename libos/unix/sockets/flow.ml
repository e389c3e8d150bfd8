open Lwt.Infix

type error = [ Tcpip.Tcp.error | `Reset | `Host of string ]
type write_error = [ Tcpip.Tcp.write_error | `Host of string ]

let pp_error ppf = function
  | #Tcpip.Tcp.error as error -> Tcpip.Tcp.pp_error ppf error
  | `Reset -> Fmt.string ppf "the connection was reset"
  | `Host reason -> Fmt.string ppf reason

let pp_write_error ppf = function
  | #Tcpip.Tcp.write_error as error -> Tcpip.Tcp.pp_write_error ppf error
  | `Host reason -> Fmt.string ppf reason

type flow = {
  socket : Host.socket;
  local : (Ipaddr.t * int) Lazy.t;
  remote : Ipaddr.t * int;
  mutable watched : Readiness.t option;
  mutable readable : bool;  (** It is worth a try. *)
  mutable writable : bool;
  mutable peer_ended : bool;  (** What is left to be read ends. *)
  mutable drained : bool;  (** Nothing is left. *)
  mutable no_more_in : bool;
  mutable no_more_out : bool;
  mutable no_delay : bool;
  mutable closed : bool;  (** By the application; the socket may have something to do still. *)
  mutable released : bool;
  told : unit Lwt_condition.t;  (** Something has changed. *)
  mutable written : unit Lwt.t;  (** The last write: they go one after another. *)
  mutable at_end : unit -> unit;
}

let dst flow = flow.remote
let src flow = Lazy.force flow.local

let release flow =
  if not flow.released then begin
    flow.released <- true;
    Unix.close flow.socket;
    Option.iter Readiness.forget flow.watched;
    flow.at_end ();
    Lwt_condition.broadcast flow.told ()
  end

let create socket ~local ~remote =
  let flow =
    {
      socket;
      local;
      remote;
      watched = None;
      readable = true;
      writable = true;
      peer_ended = false;
      drained = false;
      no_more_in = false;
      no_more_out = false;
      no_delay = false;
      closed = false;
      released = false;
      told = Lwt_condition.create ();
      written = Lwt.return_unit;
      at_end = ignore;
    }
  in
  let tell ~readable ~writable ~ended =
    flow.readable <- flow.readable || readable;
    flow.writable <- flow.writable || writable;
    flow.peer_ended <- flow.peer_ended || ended;
    Lwt_condition.broadcast flow.told ()
  in
  match Readiness.watch socket tell with
  | watched ->
      flow.watched <- Some watched;
      flow
  | exception exn ->
      Unix.close socket;
      raise exn

let on_end flow tell = flow.at_end <- tell

(* Why the socket failed, in the words of this machine. *)
let reason flow =
  match Unix.getsockopt_error flow.socket with
  | Some error -> Unix.error_message error
  | None -> "the connection failed"

let connected flow =
  flow.writable <- false;
  let rec wait () =
    if flow.released then Lwt.return_error `Reset
    else if not flow.writable then Lwt_condition.wait flow.told >>= wait
    else
      Lwt.return
        (match Unix.getsockopt_error flow.socket with
        | None -> Ok ()
        | Some ECONNREFUSED -> Error `Refused
        | Some ECONNRESET -> Error `Reset
        | Some ETIMEDOUT -> Error `Timeout
        | Some error -> Error (`Host (Unix.error_message error)))
  in
  wait ()

(* {2 Reading} *)

(* What is received lands here first. A small part is copied, a large one is handed on in it, and another takes its
   place. *)
let landing_size = 65_536
let copied_most = 16_384
let landing = ref (Cstruct.create_unsafe landing_size)

let landed length =
  if length <= copied_most then begin
    let copy = Cstruct.create_unsafe length in
    Cstruct.blit !landing 0 copy 0 length;
    copy
  end
  else begin
    let part = Cstruct.sub !landing 0 length in
    landing := Cstruct.create_unsafe landing_size;
    part
  end

let received flow =
  let result = Host.receive flow.socket !landing.buffer 0 landing_size in
  if result = -1 then flow.readable <- false;
  if result = 0 || result < -1 then flow.drained <- true;
  result

(* Less than there was room for was all there is; but an end that comes with it is not told again. *)
let emptied flow = flow.readable <- flow.peer_ended

let rec read flow =
  if flow.no_more_in || flow.released then Lwt.return_ok `Eof
  else if not flow.readable then Lwt_condition.wait flow.told >>= fun () -> read flow
  else
    match received flow with
    | -1 -> read flow
    | 0 ->
        flow.no_more_in <- true;
        Lwt.return_ok `Eof
    | length when length > 0 ->
        if length < landing_size then emptied flow;
        Lwt.return_ok (`Data (landed length))
    | failure ->
        flow.no_more_in <- true;
        flow.no_more_out <- true;
        Lwt.return_error (match failure with -2 -> `Reset | -3 -> `Timeout | _ -> `Host (reason flow))

(* {2 Writing} *)

let rec add_parts count = function
  | part :: rest when count < Host.parts_most ->
      Host.add part.Cstruct.buffer part.off part.len;
      add_parts (count + 1) rest
  | _ -> ()

let rec push flow buffers =
  if flow.no_more_out || flow.released then Lwt.return_error `Closed
  else if buffers = [] then Lwt.return_ok ()
  else if not flow.writable then Lwt_condition.wait flow.told >>= fun () -> push flow buffers
  else begin
    add_parts 0 buffers;
    match Host.send flow.socket with
    | -1 ->
        flow.writable <- false;
        push flow buffers
    | sent when sent >= 0 -> push flow (Cstruct.shiftv buffers sent)
    | failure ->
        flow.no_more_out <- true;
        Lwt.return_error (match failure with -3 -> `Timeout | -2 -> `Closed | _ -> `Host (reason flow))
  end

let writev flow buffers =
  let buffers = List.filter (fun buffer -> Cstruct.length buffer > 0) buffers in
  if flow.closed then Lwt.return_error `Closed
  else
    let result =
      if Lwt.is_sleeping flow.written then flow.written >>= fun () -> push flow buffers else push flow buffers
    in
    if Lwt.is_sleeping result then flow.written <- (result >|= ignore);
    (* Whoever gives up waiting does not take back what is on its way. *)
    Lwt.protected result

let write flow buffer = writev flow [ buffer ]

let without_delay flow =
  if not (flow.no_delay || flow.released) then begin
    flow.no_delay <- true;
    Unix.setsockopt flow.socket TCP_NODELAY true
  end

let writev_nodelay flow buffers =
  without_delay flow;
  writev flow buffers

let write_nodelay flow buffer = writev_nodelay flow [ buffer ]

(* {2 Ending} *)

let stop_sending flow =
  if not (flow.released || flow.no_more_out) then begin
    flow.no_more_out <- true;
    (* The peer may have gone already. *)
    try Unix.shutdown flow.socket SHUTDOWN_SEND with Unix.Unix_error _ -> ()
  end

let shutdown flow mode =
  if mode <> `write then begin
    flow.no_more_in <- true;
    Lwt_condition.broadcast flow.told ()
  end;
  if mode <> `read then
    if Lwt.is_sleeping flow.written then
      Lwt.async (fun () -> flow.written >|= fun () -> stop_sending flow)
    else stop_sending flow;
  Lwt.return_unit

(* A socket that is closed with something unread resets its connection, and the peer loses what it has not read either. So
   what comes is thrown away until the peer has ended too. *)
let rec discard flow =
  if flow.released then Lwt.return_unit
  else if not flow.readable then Lwt_condition.wait flow.told >>= fun () -> discard flow
  else
    match received flow with
    | 0 -> Lwt.return_unit
    | result when result >= -1 -> Lwt.pause () >>= fun () -> discard flow
    | _ -> Lwt.return_unit

let linger = Duration.of_sec 60

(* Until it is on its way, or there is no way left. *)
let rec flushed flow sent =
  if flow.released || not (Lwt.is_sleeping sent) then Lwt.return_unit
  else Lwt.pick [ Lwt.protected sent; Lwt_condition.wait flow.told ] >>= fun () -> flushed flow sent

let close flow =
  if flow.closed then Lwt.return_unit
  else begin
    flow.closed <- true;
    flow.no_more_in <- true;
    Lwt_condition.broadcast flow.told ();
    if flow.drained && not (Lwt.is_sleeping flow.written) then begin
      release flow;
      Lwt.return_unit
    end
    else begin
      let sent = flow.written in
      let over () =
        Lwt.protected sent >>= fun () ->
        stop_sending flow;
        discard flow
      in
      Lwt.async (fun () -> Lwt.pick [ over (); Mirage_sleep.ns linger ] >|= fun () -> release flow);
      flushed flow sent
    end
  end

let abort flow =
  if not flow.released then begin
    flow.closed <- true;
    flow.no_more_in <- true;
    flow.no_more_out <- true;
    (try Unix.setsockopt_optint flow.socket SO_LINGER (Some 0) with Unix.Unix_error _ -> ());
    release flow
  end
