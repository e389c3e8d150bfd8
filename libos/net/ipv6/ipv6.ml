open Lwt.Infix

let source = Logs.Src.create "ipv6" ~doc:"IPv6"

module Log = (val Logs.src_log source : Logs.LOG)
module Prefix = Ipaddr.V6.Prefix

module Neighbours = Neighbours.Make (struct
  type t = Ipaddr.V6.t

  let equal a b = Ipaddr.V6.compare a b = 0
  let hash = Hashtbl.hash
  let pp = Ipaddr.V6.pp
end)

(* RFC 4861, section 10 *)
let second = Duration.of_sec 1
let reachable_time = Duration.of_sec 30
let router_solicitations = 3
let router_solicitation_interval = Duration.of_sec 4
let neighbour_hop_limit = 255

let packet_most = 65_535
let least_mtu = 1280
let warn_after = Duration.of_sec 10
let same a b = Ipaddr.V6.compare a b = 0
let echo_request = 128
let echo_reply = 129

let copy_payload payload buffer offset =
  let copy offset part =
    let length = Cstruct.length part in
    Cstruct.blit part 0 buffer offset length;
    offset + length
  in
  List.fold_left copy offset payload

module Make (Netif : Mirage_net.S) (Ethernet : Ethernet.S) = struct
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
    ethernet : Ethernet.t;
    used : bool;
    handle_ra : bool;
    addresses : Addresses.t;
    routes : Routes.t;
    neighbours : Neighbours.t Lazy.t;
    fragments : (ipaddr * ipaddr * int32) Reassembly.t;
    mutable hop_limit : int;
    mutable mtu : int;
    mutable advised : bool;  (** By a router. *)
    mutable warned : int64;
    mutable last_id : int32 Lazy.t;
    mutable connected : bool;
  }

  let now = Mirage_mtime.elapsed_ns

  (* Packets *)

  let send t mac size fill =
    Ethernet.write t.ethernet mac `IPv6 ~size fill >|= function
    | Ok () as ok -> ok
    | Error error -> Error (`Ethernet error)

  let next_id t =
    let id = Int32.succ (Lazy.force t.last_id) in
    t.last_id <- lazy id;
    id

  let send_whole t mac ~hop_limit ~src ~dst ~next ~size ~payload_size fill payload =
    send t mac (Header.size + size + payload_size) (fun packet ->
        let used = if size = 0 then 0 else fill (Cstruct.sub packet Header.size size) in
        let total = copy_payload payload packet (Header.size + used) in
        Header.write packet ~length:(total - Header.size) ~hop_limit ~next ~src ~dst;
        total)

  let send_fragments t mac ~hop_limit ~src ~dst ~next ~size ~payload_size fill payload =
    let content = Cstruct.create (size + payload_size) in
    let used = if size = 0 then 0 else fill (Cstruct.sub content 0 size) in
    let content = Cstruct.sub content 0 (copy_payload payload content used) in
    let id = next_id t and length = Cstruct.length content in
    let headers = Header.size + Header.fragment_size in
    let step = (t.mtu - headers) / 8 * 8 in
    let rec send_from offset =
      let part = min step (length - offset) in
      let more = offset + part < length in
      let fill packet =
        Header.write packet ~length:(Header.fragment_size + part) ~hop_limit ~next:Header.fragment ~src ~dst;
        Header.write_fragment (Cstruct.shift packet Header.size) ~id ~offset ~more ~next;
        Cstruct.blit content offset packet headers part;
        headers + part
      in
      send t mac (headers + part) fill >>= function
      | Ok () when more -> send_from (offset + part)
      | result -> Lwt.return result
    in
    send_from 0

  (* ICMPv6 *)

  let send_icmp t mac ~hop_limit ~src ~dst (kind, body) =
    let size = 4 + Cstruct.length body in
    let fill message =
      Cstruct.set_uint8 message 0 kind;
      Cstruct.blit body 0 message 4 (Cstruct.length body);
      let pseudoheader = Header.pseudoheader ~src ~dst Header.icmp size in
      Cstruct.BE.set_uint16 message 2 (Tcpip_checksum.ones_complement_list [ pseudoheader; message ]);
      size
    in
    send_whole t mac ~hop_limit ~src ~dst ~next:Header.icmp ~size ~payload_size:0 fill [] >|= fun result ->
    Result.iter_error (fun error -> Log.debug (fun m -> m "not sent: %a" pp_error error)) result

  let send_to_group t ~src ~dst message =
    send_icmp t (Ipaddr.V6.multicast_to_mac dst) ~hop_limit:neighbour_hop_limit ~src ~dst message

  let solicited_group target = Prefix.(network_address solicited_node target)

  let ask t ?known target =
    match Addresses.source t.addresses ~now:(now ()) target with
    | None -> Lwt.return_unit
    | Some src -> (
        let message = Message.solicitation ~source_mac:(Ethernet.mac t.ethernet) target in
        match known with
        | None -> send_to_group t ~src ~dst:(solicited_group target) message
        | Some mac -> send_icmp t mac ~hop_limit:neighbour_hop_limit ~src ~dst:target message )

  let advertise t ?to_ target =
    let message = Message.advertisement ~solicited:(to_ <> None) (Ethernet.mac t.ethernet) target in
    match to_ with
    | None -> send_to_group t ~src:target ~dst:Ipaddr.V6.link_nodes message
    | Some dst -> (
        Neighbours.query (Lazy.force t.neighbours) dst >>= function
        | Ok mac -> send_icmp t mac ~hop_limit:neighbour_hop_limit ~src:target ~dst message
        | Error `Timeout -> Lwt.return_unit )

  (* Addresses *)

  (* RFC 4862, section 5.4: who has it already objects. *)
  let claim t (own : Addresses.own) =
    let address = Prefix.address own.cidr in
    let message = Message.solicitation address in
    send_to_group t ~src:Ipaddr.V6.unspecified ~dst:(solicited_group address) message >>= fun () ->
    Mirage_sleep.ns second >|= fun () ->
    if own.state = Tentative && t.connected then begin
      Addresses.set own Ready;
      Log.info (fun m -> m "The address is %a." pp_prefix own.cidr)
    end

  let add_address t ?preferred_until ?valid_until cidr =
    match Addresses.add t.addresses ?preferred_until ?valid_until cidr with
    | Some own -> Lwt.async (fun () -> claim t own)
    | None -> ()

  let contested t (own : Addresses.own) mac =
    let others = Fmt.str "%a" Fmt.(option ~none:(any "another host") Macaddr.pp) mac in
    if own.state = Tentative then begin
      Addresses.set own Duplicate;
      Log.warn (fun m -> m "The address %a is not used: %s has it." pp_prefix own.cidr others)
    end
    else if own.state = Ready && Int64.compare t.warned (now ()) <= 0 then begin
      t.warned <- Int64.add (now ()) warn_after;
      Log.warn (fun m -> m "The address %a is this host's, but %s uses it too." pp_prefix own.cidr others)
    end

  (* Routers *)

  let until ~now seconds =
    if seconds = Message.forever then Int64.max_int else Int64.add now (Int64.mul (Int64.of_int seconds) second)

  let take_prefix t ~now { Message.prefix; on_link; autonomous; valid_s; preferred_s } =
    let valid_until = until ~now valid_s and preferred_until = until ~now preferred_s in
    let is_local = Prefix.subset ~subnet:prefix ~network:Prefix.link in
    if on_link && not is_local then Routes.add_network t.routes ~now ~until:valid_until prefix;
    if autonomous && Prefix.bits prefix = 64 && (not is_local) && preferred_s <= valid_s && valid_s > 0 then begin
      let own = Ipaddr.V6.link_address_of_mac (Ethernet.mac t.ethernet) in
      let cidr = Prefix.make 64 (Prefix.network_address prefix own) in
      if not (Addresses.renew t.addresses ~now ~preferred_until ~valid_until cidr) then
        add_address t ~preferred_until ~valid_until cidr
    end

  let take_advice t ~router { Message.lifetime_s; hop_limit; prefixes; mtu; router_mac } =
    let now = now () in
    t.advised <- true;
    if hop_limit > 0 then t.hop_limit <- hop_limit;
    Option.iter (fun mtu -> if mtu >= least_mtu then t.mtu <- min mtu (Ethernet.mtu t.ethernet)) mtu;
    Option.iter (Neighbours.learn (Lazy.force t.neighbours) router) router_mac;
    Routes.add_router t.routes ~now ~until:(until ~now lifetime_s) router;
    List.iter (take_prefix t ~now) prefixes

  let rec look_for_routers t left =
    if t.advised || left = 0 || not t.connected then Lwt.return_unit
    else
      let dst = Ipaddr.V6.link_routers in
      let src = Option.value (Addresses.source t.addresses ~now:(now ()) dst) ~default:Ipaddr.V6.unspecified in
      send_to_group t ~src ~dst (Message.router_solicitation ()) >>= fun () ->
      Mirage_sleep.ns router_solicitation_interval >>= fun () -> look_for_routers t (left - 1)

  (* The start and the end *)

  let start t ?cidr ?gateway () =
    let own = Ipaddr.V6.link_address_of_mac (Ethernet.mac t.ethernet) in
    add_address t (Prefix.make 64 own);
    let use cidr =
      add_address t cidr;
      Routes.add_network t.routes ~now:0L ~until:Int64.max_int (Prefix.prefix cidr)
    in
    Option.iter use cidr;
    Option.iter (Routes.add_router t.routes ~now:0L ~until:Int64.max_int) gateway;
    if t.handle_ra then Lwt.async (fun () -> look_for_routers t router_solicitations)

  let connect ?(no_init = false) ?(handle_ra = true) ?cidr ?gateway _interface ethernet =
    let rec t =
      {
        ethernet;
        used = not no_init;
        handle_ra;
        addresses = Addresses.create ();
        routes = Routes.create ();
        neighbours =
          lazy (Neighbours.create ~lifetime:reachable_time ~ask:(fun ?known target -> ask t ?known target) ());
        fragments = Reassembly.create ();
        hop_limit = 64;
        mtu = Ethernet.mtu ethernet;
        advised = false;
        warned = Int64.min_int;
        last_id = lazy (String.get_int32_be (Unikernel_compat.Mirage_crypto_rng.generate 4) 0);
        connected = true;
      }
    in
    if t.used then start t ?cidr ?gateway ();
    Lwt.return t

  let disconnect t =
    t.connected <- false;
    Lwt.return_unit

  (* Sending *)

  let next_hop t dst =
    if Ipaddr.V6.is_multicast dst then Lwt.return_ok (Ipaddr.V6.multicast_to_mac dst)
    else
      match Routes.next_hop t.routes ~now:(now ()) dst with
      | None ->
          Lwt.return_error (`No_route (Fmt.str "%a is outside of this link, and no router is known" pp_ipaddr dst))
      | Some hop -> (
          Neighbours.query (Lazy.force t.neighbours) hop >|= function
          | Ok _ as found -> found
          | Error `Timeout -> Error (`No_route (Fmt.str "%a: nobody answers for the address" pp_ipaddr hop)) )

  let src t ~dst = Option.value (Addresses.source t.addresses ~now:(now ()) dst) ~default:Ipaddr.V6.unspecified

  let write t ?(fragment = true) ?ttl ?src:own dst proto ?(size = 0) fill payload =
    let payload_size = Cstruct.lenv payload in
    let total = Header.size + size + payload_size in
    let fits = total <= t.mtu || (proto = `TCP && (not fragment) && total <= Net_offload.packet_most ()) in
    let src = match own with Some own -> own | None -> src t ~dst in
    if (not fits) && ((not fragment) || size > t.mtu - Header.size - Header.fragment_size || total > packet_most) then
      Lwt.return_error `Would_fragment
    else if same src Ipaddr.V6.unspecified then Lwt.return_error (`No_route "this host has no address that would do")
    else
      let next = Header.protocol proto and hop_limit = Option.value ttl ~default:t.hop_limit in
      next_hop t dst >>= function
      | Error _ as error -> Lwt.return error
      | Ok mac ->
          let send = if fits then send_whole else send_fragments in
          send t mac ~hop_limit ~src ~dst ~next ~size ~payload_size fill payload

  let pseudoheader t ?src:own dst proto length =
    let src = match own with Some own -> own | None -> src t ~dst in
    Header.pseudoheader ~src ~dst (Header.protocol proto) length

  let configured_ips t = Addresses.all t.addresses ~now:(now ())
  let get_ip t = List.map Prefix.address (configured_ips t)
  let mtu t ~dst:_ = t.mtu - Header.size

  (* Receiving *)

  let discovered t ~src = function
    | Message.Router_advertisement advice ->
        if t.handle_ra && Prefix.mem src Prefix.link then take_advice t ~router:src advice;
        Lwt.return_unit
    | Solicitation { target; source_mac } -> (
        let from_nobody = same src Ipaddr.V6.unspecified in
        match Addresses.find t.addresses ~now:(now ()) target with
        | Some { state = Ready; _ } ->
            if from_nobody then advertise t target
            else begin
              Option.iter (Neighbours.learn (Lazy.force t.neighbours) src) source_mac;
              advertise t ~to_:src target
            end
        | Some ({ state = Tentative; _ } as own) when from_nobody ->
            contested t own None;
            Lwt.return_unit
        | Some _ | None -> Lwt.return_unit )
    | Advertisement { target; target_mac; solicited = _ } ->
        ( match Addresses.find t.addresses ~now:(now ()) target with
        | Some own -> contested t own target_mac
        | None -> Option.iter (Neighbours.heard (Lazy.force t.neighbours) target) target_mac );
        Lwt.return_unit

  (* RFC 4443, section 4.2: what was sent to several is answered from an address of one's own. *)
  let answer_echo t ~src:asker ~dst message =
    let own = if Ipaddr.V6.is_multicast dst then src t ~dst:asker else dst in
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

  let icmp t ~hop_limit ~src ~dst message =
    let pseudoheader = Header.pseudoheader ~src ~dst Header.icmp (Cstruct.length message) in
    if Cstruct.length message < 8 || Tcpip_checksum.ones_complement_list [ pseudoheader; message ] <> 0 then
      Lwt.return_unit
    else
      let kind = Cstruct.get_uint8 message 0 in
      if kind = echo_request then answer_echo t ~src ~dst message
      else if kind >= 1 && kind <= 4 then log_trouble ~src message
      else if hop_limit = neighbour_hop_limit && Cstruct.get_uint8 message 1 = 0 then
        match Message.of_cstruct ~kind (Cstruct.shift message 4) with
        | Some message -> discovered t ~src message
        | None -> Lwt.return_unit
      else Lwt.return_unit

  let is_for_us t ~now dst =
    if Ipaddr.V6.is_multicast dst then same dst Ipaddr.V6.link_nodes || Addresses.solicited t.addresses ~now dst
    else Addresses.is_ready t.addresses ~now dst

  let may_send t ~now src =
    not (Ipaddr.V6.is_multicast src || same src Ipaddr.V6.localhost || Addresses.is_ready t.addresses ~now src)

  let input t ~(tcp : callback) ~(udp : callback) ~(default : proto:int -> callback) packet =
    let now = now () in
    match if t.used then Header.of_cstruct packet else None with
    | Some { src; dst; hop_limit; next; rest } when is_for_us t ~now dst && may_send t ~now src -> (
        let hand_on proto content =
          if proto = Header.icmp then icmp t ~hop_limit ~src ~dst content
          else if same src Ipaddr.V6.unspecified then Lwt.return_unit
          else
            match proto with
            | 6 -> tcp ~src ~dst content
            | 17 -> udp ~src ~dst content
            | proto -> default ~proto ~src ~dst content
        in
        let hand_on_whole next content =
          match Header.payload next content with
          | Payload (proto, content) -> hand_on proto content
          | Fragment _ | Nothing -> Lwt.return_unit
        in
        match Header.payload next rest with
        | Payload (proto, content) -> hand_on proto content
        | Nothing -> Lwt.return_unit
        | Fragment { offset = 0; more = false; next; content; _ } -> hand_on_whole next content
        | Fragment { id; offset; more; next; content } -> (
            match Reassembly.add t.fragments ~now (src, dst, id) ~offset ~more content with
            | Some whole -> hand_on_whole next whole
            | None -> Lwt.return_unit ) )
    | Some _ | None -> Lwt.return_unit
end
