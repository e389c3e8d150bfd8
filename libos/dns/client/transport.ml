open Lwt.Infix

let src = Logs.Src.create "dns" ~doc:"DNS client"

module Log = (val Logs.src_log src)

let random bound = Randomconv.int ~bound Unikernel_compat.Mirage_crypto_rng.generate

module Make (Stack : Tcpip.Stack.V4V6) = struct
  module TCP = Stack.TCP
  module UDP = Stack.UDP

  let within timeout promise =
    Lwt.pick [ (promise >|= fun reply -> Some reply); (Mirage_sleep.ns timeout >|= fun () -> None) ]

  (* A forged reply has to match the port and the number, which are random. *)

  let first_port = 1024
  let random_port () = first_port + random (65536 - first_port)

  let ask_by_udp stack { Nameserver.address; port; _ } ~timeout kind name =
    let udp = Stack.udp stack in
    let id = random 65536 and own_port = random_port () in
    let reply, resolver = Lwt.task () in
    let receive ~src ~dst:_ ~src_port datagram =
      if Lwt.is_sleeping reply && Ipaddr.compare src address = 0 && src_port = port then
        Option.iter (Lwt.wakeup_later resolver) (Message.decode ~id kind name (Cstruct.to_string datagram));
      Lwt.return_unit
    in
    UDP.listen udp ~port:own_port receive;
    Lwt.finalize
      (fun () ->
        let query = Cstruct.of_string (Message.query ~id kind name) in
        UDP.write ~src_port:own_port ~dst:address ~dst_port:port udp query >>= function
        | Ok () -> within timeout reply
        | Error error ->
            Log.debug (fun log -> log "%a: %a" Ipaddr.pp address UDP.pp_error error);
            Lwt.return_none)
      (fun () ->
        UDP.unlisten udp ~port:own_port;
        Lwt.return_unit)

  (* Over TCP a message has its length before it: RFC 1035, section 4.2.2. *)

  let rec read_message flow text =
    let length = if String.length text >= 2 then 2 + String.get_uint16_be text 0 else max_int in
    if String.length text >= length then Lwt.return_some (String.sub text 2 (length - 2))
    else
      TCP.read flow >>= function
      | Ok (`Data more) -> read_message flow (text ^ Cstruct.to_string more)
      | Ok `Eof | Error _ -> Lwt.return_none

  let converse flow kind name =
    let id = random 65536 in
    let query = Message.query ~id kind name in
    let length = Bytes.create 2 in
    Bytes.set_uint16_be length 0 (String.length query);
    TCP.write flow (Cstruct.of_string (Bytes.to_string length ^ query)) >>= function
    | Error _ -> Lwt.return_none
    | Ok () -> read_message flow "" >|= fun reply -> Option.bind reply (Message.decode ~id kind name)

  let ask_by_tcp stack { Nameserver.address; port; _ } ~timeout kind name =
    let connected, opened = Lwt.wait () in
    let conversation =
      TCP.create_connection (Stack.tcp stack) (address, port) >>= function
      | Error error ->
          Log.debug (fun log -> log "%a: %a" Ipaddr.pp address TCP.pp_error error);
          Lwt.return_none
      | Ok flow ->
          Lwt.wakeup opened flow;
          converse flow kind name
    in
    within timeout conversation >>= fun reply ->
    (* A connection that is still being opened is closed when it is. *)
    Lwt.async (fun () -> connected >>= TCP.close);
    Lwt.return (Option.join reply)

  let ask stack (server : Nameserver.t) ~timeout kind name =
    match server.protocol with
    | Tcp -> ask_by_tcp stack server ~timeout kind name
    | Udp_then_tcp -> (
        ask_by_udp stack server ~timeout kind name >>= function
        | Some { Message.truncated = true; _ } -> ask_by_tcp stack server ~timeout kind name
        | reply -> Lwt.return reply)
end
