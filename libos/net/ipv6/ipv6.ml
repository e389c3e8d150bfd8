open Lwt.Infix

let source = Logs.Src.create "icmpv6" ~doc:"ICMPv6"

module Log = (val Logs.src_log source : Logs.LOG)
module Prefix = Ipaddr.V6.Prefix

let is_nobody = Link.is_nobody
let echo_request = 128
let echo_reply = 129

module Make (Netif : Mirage_net.S) (Ethernet : Ethernet.S) = struct
  module Link = Link.Make (Ethernet)

  type ipaddr = Ipaddr.V6.t
  type prefix = Prefix.t
  type callback = src:ipaddr -> dst:ipaddr -> Cstruct.t -> unit Lwt.t
  type error = [ Tcpip.Ip.error | `Ethernet of Ethernet.error ]

  let pp_ipaddr = Ipaddr.V6.pp
  let pp_prefix = Prefix.pp

  let pp_error ppf = function
    | #Tcpip.Ip.error as error -> Tcpip.Ip.pp_error ppf error
    | `Ethernet error -> Ethernet.pp_error ppf error

  type t = {
    link : Link.t option;  (** [None] if IPv6 is not used. *)
    fragments : (ipaddr * ipaddr * int32) Reassembly.t;
    mutable last_id : int32 Lazy.t;
  }

  let random_id () = String.get_int32_be (Unikernel_compat.Mirage_crypto_rng.generate 4) 0

  let connect ?(no_init = false) ?(handle_ra = true) ?cidr ?gateway _interface ethernet =
    let link = if no_init then None else Some (Link.start ~handle_ra ?cidr ?gateway ethernet) in
    Lwt.return { link; fragments = Reassembly.create (); last_id = lazy (random_id ()) }

  let disconnect t =
    Option.iter Link.stop t.link;
    Lwt.return_unit

  (* Sending *)

  let next_id t =
    let id = Int32.succ (Lazy.force t.last_id) in
    t.last_id <- lazy id;
    id

  let in_ethernet = Result.map_error (fun error -> `Ethernet error)

  let send_whole link mac ~hop_limit ~src ~dst ~next ~size ~payload_size fill payload =
    Link.send link mac ~hop_limit ~next ~src ~dst ~size:(size + payload_size) (fun rest ->
        Packets.put rest ~at:0 ~size fill payload)
    >|= in_ethernet

  let send_fragments t link mac ~hop_limit ~src ~dst ~next ~size fill payload =
    let id = next_id t in
    let step = Link.mtu link - Header.size - Header.fragment_size in
    Packets.in_pieces ~step (Packets.content ~size fill payload) (fun ~offset ~more piece ->
        let length = Header.fragment_size + Cstruct.length piece in
        Link.send link mac ~hop_limit ~next:Header.fragment ~src ~dst ~size:length (fun rest ->
            Header.write_fragment rest ~id ~offset ~more ~next;
            Cstruct.blit piece 0 rest Header.fragment_size (Cstruct.length piece);
            length)
        >|= in_ethernet)

  let source t dst = Option.value (Option.bind t.link (fun link -> Link.source link dst)) ~default:Ipaddr.V6.unspecified

  let write t ?(fragment = true) ?ttl ?src dst proto ?(size = 0) fill payload =
    let src = match src with Some src -> src | None -> source t dst in
    match t.link with
    | None -> Lwt.return_error (`No_route "IPv6 is not used")
    | Some _ when is_nobody src -> Lwt.return_error (`No_route "this host has no address that would do")
    | Some link ->
        let payload_size = Cstruct.lenv payload and mtu = Link.mtu link in
        let total = Header.size + size + payload_size in
        let fits = total <= mtu || (proto = `TCP && (not fragment) && total <= Net_offload.packet_most ()) in
        let too_long = size > mtu - Header.size - Header.fragment_size || total > Packets.packet_most in
        if (not fits) && ((not fragment) || too_long) then Lwt.return_error `Would_fragment
        else
          let next = Header.protocol proto and hop_limit = Option.value ttl ~default:(Link.hop_limit link) in
          Link.next_hop link dst >>= function
          | Error _ as error -> Lwt.return error
          | Ok mac ->
              if fits then send_whole link mac ~hop_limit ~src ~dst ~next ~size ~payload_size fill payload
              else send_fragments t link mac ~hop_limit ~src ~dst ~next ~size fill payload

  let pseudoheader t ?src dst proto length =
    let src = match src with Some src -> src | None -> source t dst in
    Header.pseudoheader ~src ~dst (Header.protocol proto) length

  let src t ~dst = source t dst
  let configured_ips t = match t.link with Some link -> Link.addresses link | None -> []
  let get_ip t = List.map Prefix.address (configured_ips t)
  let mtu t ~dst:_ = match t.link with Some link -> Link.mtu link - Header.size | None -> 0

  (* ICMPv6 *)

  (* RFC 4443, section 4.2: what was sent to several is answered from an address of one's own. *)
  let answer_echo t ~src:asker ~dst message =
    let own = if Ipaddr.V6.is_multicast dst then source t asker else dst in
    let payload = Cstruct.shift message 8 in
    let length = Cstruct.length message in
    let fill header =
      Cstruct.blit message 0 header 0 8;
      Cstruct.BE.set_uint16 header 0 (echo_reply lsl 8);
      Cstruct.BE.set_uint16 header 2 0;
      let pseudoheader = Header.pseudoheader ~src:own ~dst:asker Header.icmp length in
      Cstruct.BE.set_uint16 header 2 (Tcpip_checksum.ones_complement_list [ pseudoheader; header; payload ]);
      8
    in
    write t ~src:own asker `ICMP ~size:8 fill [ payload ]
    >|= Result.iter_error (fun error -> Log.debug (fun m -> m "not sent: %a" pp_error error))

  let log_trouble ~src message =
    let what =
      match Cstruct.get_uint8 message 0 with
      | 1 when Cstruct.get_uint8 message 1 = 4 -> "nobody listens at the port"
      | 1 -> "the destination is unreachable"
      | 2 -> "a packet is too big"
      | 3 -> "a packet took too many hops"
      | _ -> "a packet is malformed"
    in
    Log.info (fun m -> m "%a says: %s" pp_ipaddr src what);
    Lwt.return_unit

  let icmp t link ~hop_limit ~src ~dst message =
    let pseudoheader = Header.pseudoheader ~src ~dst Header.icmp (Cstruct.length message) in
    if Cstruct.length message < 8 || Tcpip_checksum.ones_complement_list [ pseudoheader; message ] <> 0 then
      Lwt.return_unit
    else
      let kind = Cstruct.get_uint8 message 0 in
      if kind = echo_request then answer_echo t ~src ~dst message
      else if kind >= 1 && kind <= 4 then log_trouble ~src message
      else Link.input link ~src ~hop_limit message

  (* Receiving *)

  type callbacks = { tcp : callback; udp : callback; default : proto:int -> callback }

  let hand_on t link callbacks { Header.src; dst; hop_limit; _ } proto content =
    if proto = Header.icmp then icmp t link ~hop_limit ~src ~dst content
    else if is_nobody src then Lwt.return_unit
    else
      match proto with
      (* A connection has two ends: RFC 1122, section 4.2.3.10. *)
      | 6 -> if Ipaddr.V6.is_multicast dst then Lwt.return_unit else callbacks.tcp ~src ~dst content
      | 17 -> callbacks.udp ~src ~dst content
      | proto -> callbacks.default ~proto ~src ~dst content

  (* No fragment is in a fragment. *)
  let hand_on_whole t link callbacks header next content =
    match Header.payload next content with
    | Payload (proto, content) -> hand_on t link callbacks header proto content
    | Fragment _ | Nothing -> Lwt.return_unit

  let take t link callbacks ({ Header.src; dst; next; rest; _ } as header) =
    match Header.payload next rest with
    | Payload (proto, content) -> hand_on t link callbacks header proto content
    | Nothing -> Lwt.return_unit
    | Fragment { offset = 0; more = false; next; content; _ } -> hand_on_whole t link callbacks header next content
    | Fragment { id; offset; more; next; content } -> (
        let now = Mirage_mtime.elapsed_ns () in
        match Reassembly.add t.fragments ~now (src, dst, id) ~offset ~more content with
        | Some whole -> hand_on_whole t link callbacks header next whole
        | None -> Lwt.return_unit )

  let input t ~tcp ~udp ~default =
    let callbacks = { tcp; udp; default } in
    fun packet ->
      match (t.link, Header.of_cstruct packet) with
      | Some link, Some header when Link.takes link header.dst && Link.may_send link header.src ->
          take t link callbacks header
      | _ -> Lwt.return_unit
end
