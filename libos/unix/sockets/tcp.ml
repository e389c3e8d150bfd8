open Lwt.Infix

let source = Logs.Src.create "tcp" ~doc:"The Transmission Control Protocol, by this machine's sockets"

module Log = (val Logs.src_log source : Logs.LOG)
include Flow

type ipaddr = Ipaddr.t

type t = {
  addresses : Addresses.t;
  listening : (int, unit) Hashtbl.t;
  flows : (int, flow) Hashtbl.t;
  mutable last : int;
  mutable active : bool;
}

let create addresses =
  { addresses; listening = Hashtbl.create 4; flows = Hashtbl.create 16; last = 0; active = true }

let whole_seconds ns = max 1 (Int64.to_int (Int64.div (Int64.add ns 999_999_999L) 1_000_000_000L))

let keep_alive socket { Tcpip.Tcp.Keepalive.after; interval; probes } =
  Host.keepalive socket ~after:(whole_seconds after) ~interval:(whole_seconds interval) ~probes

let add t socket ~keepalive ~local ~remote =
  Option.iter (keep_alive socket) keepalive;
  let flow = Flow.create socket ~local ~remote in
  t.last <- t.last + 1;
  let number = t.last in
  Hashtbl.replace t.flows number flow;
  Flow.on_end flow (fun () -> Hashtbl.remove t.flows number);
  flow

(* {2 Connecting} *)

let begin_connection socket ~from address port =
  Unix.set_nonblock socket;
  Option.iter (fun from -> Unix.bind socket (ADDR_INET (from, 0))) from;
  try Unix.connect socket (ADDR_INET (address, port)) with Unix.Unix_error (EINPROGRESS, _, _) -> ()

let error_of = function
  | Unix.ECONNREFUSED -> `Refused
  | ECONNRESET -> `Reset
  | ETIMEDOUT -> `Timeout
  | error -> `Host (Unix.error_message error)

let create_connection ?keepalive t (address, port) =
  match Addresses.source t.addresses address with
  | Error reason -> Lwt.return_error (`Host reason)
  | Ok _ when not t.active -> Lwt.return_error `Timeout
  | Ok from -> (
      let place = Addresses.to_unix address in
      match Unix.socket ~cloexec:true (Addresses.domain place) SOCK_STREAM 0 with
      | exception Unix.Unix_error (error, _, _) -> Lwt.return_error (error_of error)
      | socket -> (
          match begin_connection socket ~from place port with
          | exception Unix.Unix_error (error, _, _) ->
              Unix.close socket;
              Lwt.return_error (error_of error)
          | () -> (
              let local = lazy (Addresses.of_unix (Unix.getsockname socket)) in
              match add t socket ~keepalive ~local ~remote:(address, port) with
              | exception Failure reason -> Lwt.return_error (`Host reason)
              | flow -> (
                  (* Whoever is not waited for any more is not to be connected. *)
                  let connected = Flow.connected flow in
                  Lwt.on_cancel connected (fun () -> Flow.abort flow);
                  connected >|= function
                  | Ok () -> Ok flow
                  | Error _ as error ->
                      Flow.abort flow;
                      error ) ) ) )

(* {2 Listening} *)

(* As many wait to be accepted as this machine lets. *)
let backlog = 4096

(* So many in one turn of the main loop, so that those that are there get their turn too. *)
let accepted_most = 64

let check_port port = if port < 0 || port > 0xffff then invalid_arg (Printf.sprintf "TCP has no port %d" port)

let refused port (error : Unix.error) =
  let cure =
    match error with
    | EACCES -> " Ports below 1024 are for root: let the unikernel listen on another."
    | EADDRINUSE -> " Another program listens there."
    | EADDRNOTAVAIL -> " This machine does not have the address that --ipv4 or --ipv6 says."
    | _ -> ""
  in
  failwith (Printf.sprintf "TCP port %d cannot be listened on: %s.%s" port (Unix.error_message error) cure)

let bound address port =
  let socket = Unix.socket ~cloexec:true (Addresses.domain address) SOCK_STREAM 0 in
  try
    Unix.setsockopt socket SO_REUSEADDR true;
    (* Alone it is for both versions. *)
    if Unix.is_inet6_addr address then Unix.setsockopt socket IPV6_ONLY (address <> Unix.inet6_addr_any);
    Unix.set_nonblock socket;
    Unix.bind socket (ADDR_INET (address, port));
    Unix.listen socket backlog;
    socket
  with Unix.Unix_error (error, _, _) ->
    Unix.close socket;
    refused port error

let serve flow serve =
  let failed exn =
    Log.err (fun log ->
        let address, port = Flow.dst flow in
        log "The connection from %a port %d is reset: %s" Ipaddr.pp address port (Printexc.to_string exn));
    Flow.abort flow;
    Lwt.return_unit
  in
  Lwt.async (fun () -> Lwt.catch (fun () -> serve flow) failed)

(* What came of trying to accept one. *)
let accept t socket ~keepalive ~local callback =
  match Unix.accept ~cloexec:true socket with
  | connection, peer -> (
      match add t connection ~keepalive ~local:(local connection) ~remote:(Addresses.of_unix peer) with
      | flow ->
          serve flow callback;
          `More
      | exception Failure reason ->
          Log.warn (fun log -> log "a connection is dropped: %s" reason);
          `More )
  | exception Unix.Unix_error ((EAGAIN | EWOULDBLOCK), _, _) -> `None
  | exception Unix.Unix_error ((EINTR | ECONNABORTED | ENETDOWN | EHOSTUNREACH | ENETUNREACH), _, _) -> `More
  | exception Unix.Unix_error (error, _, _) -> `Full error

let rec accept_all t socket ~closed ~ready ~keepalive ~local callback =
  let again () = accept_all t socket ~closed ~ready ~keepalive ~local callback in
  let rec some left =
    if !closed then Lwt.return_unit
    else if left = 0 then Lwt.pause () >>= again
    else
      match accept t socket ~keepalive ~local callback with
      | `More -> some (left - 1)
      | `None -> Lwt_condition.wait ready >>= again
      | `Full error ->
          Log.warn (fun log -> log "no connection is taken until another ends: %s" (Unix.error_message error));
          Lwt.choose [ Lwt_condition.wait Readiness.closing; Lwt_condition.wait ready ] >>= again
  in
  some accepted_most

(* The unikernel's end of a connection, whatever port of this machine it came to. *)
let local_of ~port connection =
  lazy
    (let address, _ = Addresses.of_unix (Unix.getsockname connection) in
     (address, port))

let listen_at t ~port ?keepalive callback address host_port =
  let socket = bound address host_port in
  let closed = ref false and ready = Lwt_condition.create () in
  match Readiness.watch socket (fun ~readable:_ ~writable:_ ~ended:_ -> Lwt_condition.signal ready ()) with
  | exception exn ->
      Unix.close socket;
      raise exn
  | watched ->
      Lwt.async (fun () -> accept_all t socket ~closed ~ready ~keepalive ~local:(local_of ~port) callback);
      fun () ->
        closed := true;
        Lwt_condition.broadcast ready ();
        Unix.close socket;
        Readiness.forget watched

let unlisten t ~port =
  if Hashtbl.mem t.listening port then begin
    Hashtbl.remove t.listening port;
    Ports.unlisten Tcp ~port
  end

let listen t ~port ?keepalive callback =
  check_port port;
  unlisten t ~port;
  Hashtbl.replace t.listening port ();
  let opens host_port =
    let closes =
      List.map (fun address -> listen_at t ~port ?keepalive callback address host_port) (Addresses.to_listen t.addresses)
    in
    fun () -> List.iter (fun close -> close ()) closes
  in
  Ports.listen Tcp ~port opens

let disconnect t =
  t.active <- false;
  List.iter (fun port -> unlisten t ~port) (List.of_seq (Hashtbl.to_seq_keys t.listening));
  Lwt.join (List.map Flow.close (List.of_seq (Hashtbl.to_seq_values t.flows)))

let input _ ~src:_ ~dst:_ _ = Lwt.return_unit
