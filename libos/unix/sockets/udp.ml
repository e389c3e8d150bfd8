open Lwt.Infix

let source = Logs.Src.create "udp" ~doc:"The User Datagram Protocol, by this machine's sockets"

module Log = (val Logs.src_log source : Logs.LOG)

type error = [ `Host of string ]

let pp_error ppf (`Host reason) = Fmt.string ppf reason

type ipaddr = Ipaddr.t
type callback = src:ipaddr -> dst:ipaddr -> src_port:int -> Cstruct.t -> unit Lwt.t
type place = Ipaddr.t * int

type door = { socket : Unix.file_descr; watched : Readiness.t; mutable shut : bool }
(** A socket that a listener hears. *)

type listener = {
  receive : callback;
  mutable doors : door list;  (** Where others find it. *)
  ways : (Unix.socket_domain, door) Hashtbl.t;  (** From where it asks others, where ports are mapped. *)
  peers : (place, door) Hashtbl.t;  (** From which of them they are answered. *)
}

type t = {
  addresses : Addresses.t;
  listeners : (int, listener) Hashtbl.t;
  senders : (Unix.socket_domain, Unix.file_descr) Hashtbl.t;  (** For datagrams that nobody listens for answers to. *)
}

let create addresses = { addresses; listeners = Hashtbl.create 4; senders = Hashtbl.create 2 }

(* So many peers a listener remembers. *)
let peers_most = 4096

let remember listener peer door =
  if Hashtbl.length listener.peers >= peers_most then Hashtbl.reset listener.peers;
  Hashtbl.replace listener.peers peer door

(* {2 Sockets} *)

let shut door =
  if not door.shut then begin
    door.shut <- true;
    Unix.close door.socket;
    Readiness.forget door.watched
  end

let new_socket domain =
  let socket = Unix.socket ~cloexec:true domain SOCK_DGRAM 0 in
  Unix.set_nonblock socket;
  socket

let largest = 65_536
let room = Bytes.create largest

(* So many in one turn of the main loop. *)
let received_most = 64

let rec hear listener door ~strangers ~ready =
  let again () = hear listener door ~strangers ~ready in
  let rec some left =
    if door.shut then Lwt.return_unit
    else if left = 0 then Lwt.pause () >>= again
    else
      match Unix.recvfrom door.socket room 0 largest [] with
      | exception Unix.Unix_error ((EAGAIN | EWOULDBLOCK), _, _) -> Lwt_condition.wait ready >>= again
      | exception Unix.Unix_error _ -> some (left - 1)
      | length, sender ->
          let (src, src_port) as peer = Addresses.of_unix sender in
          if strangers then remember listener peer door;
          if strangers || Hashtbl.mem listener.peers peer then begin
            let data = Cstruct.of_bytes room ~len:length in
            let dst = match src with V4 _ -> Ipaddr.V4 Ipaddr.V4.any | V6 _ -> V6 Ipaddr.V6.unspecified in
            Lwt.async (fun () -> listener.receive ~src ~dst ~src_port data)
          end;
          some (left - 1)
  in
  some received_most

let door listener socket ~strangers =
  let ready = Lwt_condition.create () in
  match Readiness.watch socket (fun ~readable:_ ~writable:_ ~ended:_ -> Lwt_condition.signal ready ()) with
  | exception exn ->
      Unix.close socket;
      raise exn
  | watched ->
      let door = { socket; watched; shut = false } in
      Lwt.async (fun () -> hear listener door ~strangers ~ready);
      door

let bound address port =
  let socket = new_socket (Addresses.domain address) in
  try
    if Unix.is_inet6_addr address then Unix.setsockopt socket IPV6_ONLY (address <> Unix.inet6_addr_any);
    Unix.bind socket (ADDR_INET (address, port));
    socket
  with Unix.Unix_error (error, _, _) ->
    Unix.close socket;
    failwith (Printf.sprintf "UDP port %d cannot be listened on: %s." port (Unix.error_message error))

(* {2 Listening} *)

let check_port port =
  if port < 0 || port > 0xffff then invalid_arg (Printf.sprintf "%d is no port: they are 0 to 65535" port)

let unlisten t ~port =
  match Hashtbl.find_opt t.listeners port with
  | None -> ()
  | Some listener ->
      Hashtbl.remove t.listeners port;
      Ports.unlisten Udp ~port;
      Hashtbl.iter (fun _ door -> shut door) listener.ways

let listen t ~port receive =
  check_port port;
  unlisten t ~port;
  let listener = { receive; doors = []; ways = Hashtbl.create 2; peers = Hashtbl.create 8 } in
  Hashtbl.replace t.listeners port listener;
  let opens host_port =
    let open_at address = door listener (bound address host_port) ~strangers:true in
    let doors = List.map open_at (Addresses.to_listen t.addresses) in
    listener.doors <- doors @ listener.doors;
    fun () ->
      listener.doors <- List.filter (fun door -> not (List.memq door doors)) listener.doors;
      List.iter shut doors
  in
  Ports.listen Udp ~port opens

(* {2 Sending} *)

let can_reach domain door =
  match Unix.getsockname door.socket with
  | ADDR_INET (address, _) -> Addresses.domain address = domain || address = Unix.inet6_addr_any
  | ADDR_UNIX _ -> false

(* From where a listener sends to a peer. *)
let way listener ~peer domain =
  match Hashtbl.find_opt listener.peers peer with
  | Some door when not door.shut -> Some door
  | Some _ | None when Ports.are_mapped () ->
      let door =
        match Hashtbl.find_opt listener.ways domain with
        | Some door -> door
        | None ->
            let door = door listener (new_socket domain) ~strangers:false in
            Hashtbl.replace listener.ways domain door;
            door
      in
      remember listener peer door;
      Some door
  | Some _ | None -> List.find_opt (can_reach domain) listener.doors

let sender t domain =
  match Hashtbl.find_opt t.senders domain with
  | Some socket -> socket
  | None ->
      let socket = new_socket domain in
      Hashtbl.replace t.senders domain socket;
      socket

(* A socket of version 6 that is for version 4 too takes addresses of version 6 only. *)
let place_for socket (address, port) =
  match (Unix.domain_of_sockaddr (Unix.getsockname socket), address) with
  | PF_INET6, Ipaddr.V4 v4 -> Unix.ADDR_INET (Ipaddr_unix.V6.to_inet_addr (Ipaddr.v6_of_v4 v4), port)
  | _ -> ADDR_INET (Addresses.to_unix address, port)

let send socket peer payload =
  let data = Cstruct.to_bytes payload in
  match Unix.sendto socket data 0 (Bytes.length data) [] (place_for socket peer) with
  | (_ : int) -> Ok ()
  (* What there is no room for is lost, as on a wire that is too slow. *)
  | exception Unix.Unix_error ((EAGAIN | EWOULDBLOCK | ENOBUFS), _, _) -> Ok ()
  | exception Unix.Unix_error (error, _, _) -> Error (`Host (Unix.error_message error))

(* From a port where nobody listens. *)
let send_from t ~from ~src_port domain peer payload =
  match (from, src_port) with
  | None, None -> send (sender t domain) peer payload
  | None, Some _ when Ports.are_mapped () -> send (sender t domain) peer payload
  | _ ->
      let any = match domain with Unix.PF_INET6 -> Unix.inet6_addr_any | _ -> Unix.inet_addr_any in
      let socket = bound (Option.value from ~default:any) (Option.value src_port ~default:0) in
      Fun.protect ~finally:(fun () -> Unix.close socket) (fun () -> send socket peer payload)

let write ?src:_ ?src_port ?ttl:_ ~dst ~dst_port t payload =
  Option.iter check_port src_port;
  check_port dst_port;
  let peer = (dst, dst_port) and domain = Addresses.domain (Addresses.to_unix dst) in
  let listener = Option.bind src_port (Hashtbl.find_opt t.listeners) in
  let sent () =
    match Addresses.source t.addresses dst with
    | Error reason -> Error (`Host reason)
    | Ok from -> (
        match Option.bind listener (fun listener -> way listener ~peer domain) with
        | Some door -> send door.socket peer payload
        | None -> send_from t ~from ~src_port domain peer payload )
  in
  match sent () with
  | result -> Lwt.return result
  | exception Failure reason -> Lwt.return_error (`Host reason)
  | exception Unix.Unix_error (error, _, _) -> Lwt.return_error (`Host (Unix.error_message error))

let disconnect t =
  List.iter (fun port -> unlisten t ~port) (List.of_seq (Hashtbl.to_seq_keys t.listeners));
  Hashtbl.iter (fun _ socket -> Unix.close socket) t.senders;
  Hashtbl.reset t.senders;
  Lwt.return_unit

let input _ ~src:_ ~dst:_ _ = Lwt.return_unit
