open Lwt.Infix

let source = Logs.Src.create "ipv4" ~doc:"IPv4"

module Log = (val Logs.src_log source : Logs.LOG)
module Header = Header
module Prefix = Ipaddr.V4.Prefix

module Make (Ethernet : Ethernet.S) (Arp : Arp.S) = struct
  type ipaddr = Ipaddr.V4.t
  type prefix = Prefix.t
  type callback = src:ipaddr -> dst:ipaddr -> Cstruct.t -> unit Lwt.t
  type error = [ Tcpip.Ip.error | `Ethernet of Ethernet.error ]

  let pp_ipaddr = Ipaddr.V4.pp
  let pp_prefix = Prefix.pp

  let pp_error ppf = function
    | #Tcpip.Ip.error as error -> Tcpip.Ip.pp_error ppf error
    | `Ethernet error -> Ethernet.pp_error ppf error

  type t = {
    ethernet : Ethernet.t;
    arp : Arp.t;
    fragments : (ipaddr * ipaddr * int * int) Reassembly.t;
    mutable cidr : prefix;
    mutable address : ipaddr;
    mutable broadcast : ipaddr;  (** Of its network. *)
    mutable gateway : ipaddr option;
    mutable last_id : int Lazy.t;
  }

  let same a b = Int32.equal (Ipaddr.V4.to_int32 a) (Ipaddr.V4.to_int32 b)

  (* Networks of one or two hosts have no broadcast address: RFC 3021. *)
  let broadcast_of cidr = if Prefix.bits cidr >= 31 then Ipaddr.V4.broadcast else Prefix.broadcast cidr

  let set t ~cidr ~gateway =
    t.cidr <- cidr;
    t.address <- Prefix.address cidr;
    t.broadcast <- broadcast_of cidr;
    t.gateway <- gateway;
    match gateway with
    | Some gateway when not (Prefix.mem gateway cidr) ->
        Log.warn (fun m -> m "The gateway %a is outside of the network %a." pp_ipaddr gateway pp_prefix cidr)
    | Some _ | None -> ()

  let random_id () = String.get_uint16_be (Unikernel_compat.Mirage_crypto_rng.generate 2) 0

  let connect ?(no_init = false) ~cidr ?gateway ?fragment_cache_size ethernet arp =
    let t =
      {
        ethernet;
        arp;
        fragments = Reassembly.create ?bytes:fragment_cache_size ();
        cidr;
        address = Ipaddr.V4.any;
        broadcast = Ipaddr.V4.broadcast;
        gateway = None;
        last_id = lazy (random_id ());
      }
    in
    set t ~cidr ~gateway;
    (if no_init then Lwt.return_unit else Arp.set_ips arp [ t.address ]) >|= fun () -> t

  let configure t ~cidr ?gateway () =
    set t ~cidr ~gateway;
    Arp.set_ips t.arp [ t.address ]

  let disconnect _ = Lwt.return_unit

  (* Sending *)

  let is_multicast ip = Int32.to_int (Ipaddr.V4.to_int32 ip) land 0xf0000000 = 0xe0000000
  let is_broadcast t ip = same ip Ipaddr.V4.broadcast || same ip t.broadcast

  let ask t ip =
    Arp.query t.arp ip >|= function
    | Ok _ as found -> found
    | Error error -> Error (`No_route (Fmt.str "%a: %a" pp_ipaddr ip Arp.pp_error error))

  (* Who takes the packet on its way. *)
  let next_hop t dst =
    if is_broadcast t dst then Lwt.return_ok Macaddr.broadcast
    else if is_multicast dst then Lwt.return_ok (Ipaddr.V4.multicast_to_mac dst)
    else if Prefix.mem dst t.cidr then ask t dst
    else
      match t.gateway with
      | Some gateway -> ask t gateway
      | None ->
          let reason = Fmt.str "%a is outside of the network %a, and there is no gateway" pp_ipaddr dst pp_prefix t.cidr in
          Lwt.return_error (`No_route reason)

  let next_id t =
    let id = (Lazy.force t.last_id + 1) land 0xffff in
    t.last_id <- lazy id;
    id

  let send t mac size fill =
    Ethernet.write t.ethernet mac `IPv4 ~size fill >|= function
    | Ok () as ok -> ok
    | Error error -> Error (`Ethernet error)

  let send_whole t mac ~fragmenting ~ttl ~src ~dst ~proto ~size ~payload_size fill payload =
    send t mac (Header.size + size + payload_size) (fun packet ->
        let length = Packets.put packet ~at:Header.size ~size fill payload in
        Header.write packet ~length fragmenting ~ttl ~proto ~src ~dst;
        length)

  let send_fragments t mac ~ttl ~src ~dst ~proto ~size fill payload =
    let id = next_id t in
    let step = Ethernet.mtu t.ethernet - Header.size in
    Packets.in_pieces ~step (Packets.content ~size fill payload) (fun ~offset ~more piece ->
        let length = Header.size + Cstruct.length piece in
        send t mac length (fun packet ->
            Cstruct.blit piece 0 packet Header.size (Cstruct.length piece);
            Header.write packet ~length (Fragment { id; offset; more }) ~ttl ~proto ~src ~dst;
            length))

  let write t ?(fragment = true) ?(ttl = 64) ?(src = t.address) dst proto ?(size = 0) fill payload =
    let payload_size = Cstruct.lenv payload in
    let total = Header.size + size + payload_size and mtu = Ethernet.mtu t.ethernet in
    let fits = total <= mtu || (proto = `TCP && (not fragment) && total <= Net_offload.packet_most ()) in
    if (not fits) && ((not fragment) || size > mtu - Header.size || total > Packets.packet_most) then
      Lwt.return_error `Would_fragment
    else
      let proto = Header.protocol proto in
      next_hop t dst >>= function
      | Error _ as error -> Lwt.return error
      | Ok mac ->
          if fits then
            let fragmenting = if fragment then Header.Fragment { id = next_id t; offset = 0; more = false } else Never in
            send_whole t mac ~fragmenting ~ttl ~src ~dst ~proto ~size ~payload_size fill payload
          else send_fragments t mac ~ttl ~src ~dst ~proto ~size fill payload

  let pseudoheader t ?(src = t.address) dst proto length = Header.pseudoheader ~src ~dst proto length
  let src t ~dst:_ = t.address
  let get_ip t = [ t.address ]
  let configured_ips t = [ t.cidr ]
  let mtu t ~dst:_ = Ethernet.mtu t.ethernet - Header.size

  (* Receiving *)

  let is_for_us t dst = same dst t.address || is_broadcast t dst || is_multicast dst

  (* Nobody else is allowed to be us, and nobody at all to be several. *)
  let may_send t src =
    not (same src t.address || is_multicast src || is_broadcast t src || Prefix.mem src Prefix.loopback)

  (* A connection has two ends: RFC 1122, section 4.2.3.10. *)
  let hand_on t ~tcp ~udp ~default proto ~src ~dst payload =
    match proto with
    | 6 -> if same dst t.address then tcp ~src ~dst payload else Lwt.return_unit
    | 17 -> udp ~src ~dst payload
    | proto -> default ~proto ~src ~dst payload

  let input t ~(tcp : callback) ~(udp : callback) ~(default : proto:int -> callback) packet =
    match Header.payload packet with
    | None -> Lwt.return_unit
    | Some payload ->
        let src = Header.source packet and dst = Header.destination packet in
        if not (is_for_us t dst && may_send t src) then Lwt.return_unit
        else
          let proto = Header.carries packet in
          if Header.is_whole packet then hand_on t ~tcp ~udp ~default proto ~src ~dst payload
          else
            let { Header.id; offset; more } = Header.fragment packet in
            let now = Mirage_mtime.elapsed_ns () in
            ( match Reassembly.add t.fragments ~now (src, dst, proto, id) ~offset ~more payload with
            | None -> Lwt.return_unit
            | Some payload -> hand_on t ~tcp ~udp ~default proto ~src ~dst payload )
end
