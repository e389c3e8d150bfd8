type error = [ Tcpip.Tcp.error | `Reset ]

module Make (IP : Tcpip.Ip.S) = struct
  module Flows = Flows.Make (IP)
  module Endpoint = Endpoint.Make (IP)

  type ipaddr = IP.ipaddr
  type nonrec error = error
  type write_error = Tcpip.Tcp.write_error
  type flow = Flows.flow
  type t = Flows.t

  let pp_error ppf = function
    | `Reset -> Fmt.string ppf "the connection was reset"
    | #Tcpip.Tcp.error as error -> Tcpip.Tcp.pp_error ppf error

  let pp_write_error = Tcpip.Tcp.pp_write_error
  let connect ip = Lwt.return (Endpoint.create ip)
  let num_open_channels = Endpoint.length

  let disconnect t =
    Endpoint.shut t;
    Lwt.return_unit

  let input t ~src ~dst buffer =
    Endpoint.input t ~src ~dst buffer;
    Lwt.return_unit

  let dst { Flows.remote; remote_port; _ } = (remote, remote_port)
  let src { Flows.local; local_port; _ } = (local, local_port)

  (* {2 Reading and writing} *)

  (* As upstream has it, who stays silent has left. *)
  let read_result = function
    | Connection.Data data -> Ok (`Data data)
    | End | Nothing_yet | Failed Silent -> Ok `Eof
    | Failed Refused -> Error `Refused
    | Failed Timeout -> Error `Timeout
    | Failed Reset -> Error `Reset

  let read flow =
    let input = Endpoint.read flow in
    match Lwt.state input with
    | Return input -> Lwt.return (read_result input)
    | Sleep | Fail _ -> Lwt.map read_result input

  let closed { Flows.tcb; _ } = match tcb.failure with Some Timeout -> Error `Timeout | _ -> Error `Closed

  let append_all flow ~no_delay buffers =
    if not (Connection.can_write flow.Flows.tcb) then Lwt.return (closed flow)
    else begin
      List.iter (Connection.write flow.tcb ~no_delay) buffers;
      Endpoint.changed flow;
      if Connection.has_room flow.tcb then Lwt.return_ok ()
      else Lwt.map (fun () -> if flow.tcb.failure = None then Ok () else closed flow) (Endpoint.room flow)
    end

  let write flow buffer = append_all flow ~no_delay:false [ buffer ]
  let writev flow buffers = append_all flow ~no_delay:false buffers
  let write_nodelay flow buffer = append_all flow ~no_delay:true [ buffer ]
  let writev_nodelay flow buffers = append_all flow ~no_delay:true buffers

  (* {2 Ending} *)

  let shutdown flow mode =
    if mode <> `write then Connection.shutdown_read flow.Flows.tcb;
    if mode <> `read then Connection.shutdown_write flow.tcb;
    Endpoint.changed flow;
    Lwt.return_unit

  let close flow =
    Connection.close flow.Flows.tcb ~now:(Int64.to_int (Mirage_mtime.elapsed_ns ()));
    Endpoint.flushed flow

  (* {2 Opening} *)

  let to_keepalive { Tcpip.Tcp.Keepalive.after; interval; probes } =
    { Tcb.after = Int64.to_int after; interval = Int64.to_int interval; probes }

  let create_connection ?keepalive t (address, port) =
    Lwt.map
      (function
        | Ok flow -> Ok flow
        | Error Tcb.Refused -> Error `Refused
        | Error Reset -> Error `Reset
        | Error (Timeout | Silent) -> Error `Timeout)
      (Endpoint.connect t ~keepalive:(Option.map to_keepalive keepalive) address port)

  let check_port port = if port < 0 || port > 0xffff then invalid_arg (Printf.sprintf "TCP has no port %d" port)

  let listen t ~port ?keepalive serve =
    check_port port;
    Endpoint.listen t ~port ~keepalive:(Option.map to_keepalive keepalive) serve

  let unlisten t ~port = Endpoint.unlisten t ~port
end
