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

let least_mtu = 1280
let warn_after = Duration.of_sec 10
let now = Mirage_mtime.elapsed_ns
let is_nobody ip = Ipaddr.V6.compare ip Ipaddr.V6.unspecified = 0

module Make (Ethernet : Ethernet.S) = struct
  type t = {
    ethernet : Ethernet.t;
    handle_ra : bool;
    addresses : Addresses.t;
    routes : Routes.t;
    neighbours : Neighbours.t Lazy.t;
    mutable hop_limit : int;
    mutable mtu : int;
    mutable advised : bool;  (** By a router. *)
    mutable warned : int64;
    mutable connected : bool;
  }

  let hop_limit t = t.hop_limit
  let mtu t = t.mtu

  (* Packets *)

  let send t mac ~hop_limit ~next ~src ~dst ~size fill =
    Ethernet.write t.ethernet mac `IPv6 ~size:(Header.size + size) (fun packet ->
        let length = fill (Cstruct.shift packet Header.size) in
        Header.write packet ~length ~hop_limit ~next ~src ~dst;
        Header.size + length)

  let send_icmp t mac ~src ~dst (kind, body) =
    let hop_limit = neighbour_hop_limit in
    let size = 4 + Cstruct.length body in
    let fill message =
      Cstruct.set_uint8 message 0 kind;
      Cstruct.blit body 0 message 4 (Cstruct.length body);
      let pseudoheader = Header.pseudoheader ~src ~dst Header.icmp size in
      Cstruct.BE.set_uint16 message 2 (Tcpip_checksum.ones_complement_list [ pseudoheader; message ]);
      size
    in
    send t mac ~hop_limit ~next:Header.icmp ~src ~dst ~size fill
    >|= Result.iter_error (fun error -> Log.debug (fun m -> m "not sent: %a" Ethernet.pp_error error))

  let send_to_group t ~src ~dst message =
    send_icmp t (Ipaddr.V6.multicast_to_mac dst) ~src ~dst message

  let solicited_group target = Prefix.(network_address solicited_node target)

  let ask t ?known target =
    match Addresses.source t.addresses ~now:(now ()) target with
    | None -> Lwt.return_unit
    | Some src -> (
        let message = Message.solicitation ~source_mac:(Ethernet.mac t.ethernet) target in
        match known with
        | None -> send_to_group t ~src ~dst:(solicited_group target) message
        | Some mac -> send_icmp t mac ~src ~dst:target message )

  let advertise t ?to_ target =
    let message = Message.advertisement ~solicited:(to_ <> None) (Ethernet.mac t.ethernet) target in
    match to_ with
    | None -> send_to_group t ~src:target ~dst:Ipaddr.V6.link_nodes message
    | Some dst -> (
        Neighbours.query (Lazy.force t.neighbours) dst >>= function
        | Ok mac -> send_icmp t mac ~src:target ~dst message
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
      Log.info (fun m -> m "The address is %a." Prefix.pp own.cidr)
    end

  let add_address t ?preferred_until ?valid_until cidr =
    match Addresses.add t.addresses ?preferred_until ?valid_until cidr with
    | Some own -> Lwt.async (fun () -> claim t own)
    | None -> ()

  let contested t (own : Addresses.own) mac =
    let others = Fmt.str "%a" Fmt.(option ~none:(any "another host") Macaddr.pp) mac in
    if own.state = Tentative then begin
      Addresses.set own Duplicate;
      Log.warn (fun m -> m "The address %a is not used: %s has it." Prefix.pp own.cidr others)
    end
    else if own.state = Ready && Int64.compare t.warned (now ()) <= 0 then begin
      t.warned <- Int64.add (now ()) warn_after;
      Log.warn (fun m -> m "The address %a is this host's, but %s uses it too." Prefix.pp own.cidr others)
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

  let claim_all t ~cidr ~gateway =
    let own = Ipaddr.V6.link_address_of_mac (Ethernet.mac t.ethernet) in
    add_address t (Prefix.make 64 own);
    let use cidr =
      add_address t cidr;
      Routes.add_network t.routes ~now:0L ~until:Int64.max_int (Prefix.prefix cidr)
    in
    Option.iter use cidr;
    Option.iter (Routes.add_router t.routes ~now:0L ~until:Int64.max_int) gateway;
    if t.handle_ra then Lwt.async (fun () -> look_for_routers t router_solicitations)

  let start ~handle_ra ?cidr ?gateway ethernet =
    let rec t =
      {
        ethernet;
        handle_ra;
        addresses = Addresses.create ();
        routes = Routes.create ();
        neighbours =
          lazy (Neighbours.create ~lifetime:reachable_time ~ask:(fun ?known target -> ask t ?known target) ());
        hop_limit = 64;
        mtu = Ethernet.mtu ethernet;
        advised = false;
        warned = Int64.min_int;
        connected = true;
      }
    in
    claim_all t ~cidr ~gateway;
    t

  let stop t = t.connected <- false

  (* What IP asks *)

  let addresses t = Addresses.all t.addresses ~now:(now ())
  let source t dst = Addresses.source t.addresses ~now:(now ()) dst

  let next_hop t dst =
    if Ipaddr.V6.is_multicast dst then Lwt.return_ok (Ipaddr.V6.multicast_to_mac dst)
    else
      match Routes.next_hop t.routes ~now:(now ()) dst with
      | None ->
          Lwt.return_error (`No_route (Fmt.str "%a is outside of this link, and no router is known" Ipaddr.V6.pp dst))
      | Some hop -> (
          Neighbours.query (Lazy.force t.neighbours) hop >|= function
          | Ok _ as found -> found
          | Error `Timeout -> Error (`No_route (Fmt.str "%a: nobody answers for the address" Ipaddr.V6.pp hop)) )

  let takes t dst =
    let now = now () in
    if Ipaddr.V6.is_multicast dst then
      Ipaddr.V6.compare dst Ipaddr.V6.link_nodes = 0 || Addresses.solicited t.addresses ~now dst
    else Addresses.is_ready t.addresses ~now dst

  let may_send t src =
    not
      (Ipaddr.V6.is_multicast src
      || Ipaddr.V6.compare src Ipaddr.V6.localhost = 0
      || Addresses.is_ready t.addresses ~now:(now ()) src)

  (* What neighbours say *)

  let discovered t ~src = function
    | Message.Router_advertisement advice ->
        if t.handle_ra && Prefix.mem src Prefix.link then take_advice t ~router:src advice;
        Lwt.return_unit
    | Solicitation { target; source_mac } -> (
        let from_nobody = is_nobody src in
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

  let input t ~src ~hop_limit message =
    let kind = Cstruct.get_uint8 message 0 and code = Cstruct.get_uint8 message 1 in
    if hop_limit <> neighbour_hop_limit || code <> 0 then Lwt.return_unit
    else
      match Message.of_cstruct ~kind (Cstruct.shift message 4) with
      | Some message -> discovered t ~src message
      | None -> Lwt.return_unit
end
