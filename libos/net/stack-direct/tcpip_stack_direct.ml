open Lwt.Infix

let source = Logs.Src.create "stack" ~doc:"The network stack"

module Log = (val Logs.src_log source : Logs.LOG)

let ethernet_header = Ethernet.Packet.sizeof_ethernet

module IPV4V6
    (Ipv4 : Tcpip.Ip.S with type ipaddr = Ipaddr.V4.t and type prefix = Ipaddr.V4.Prefix.t)
    (Ipv6 : Tcpip.Ip.S with type ipaddr = Ipaddr.V6.t and type prefix = Ipaddr.V6.Prefix.t) =
struct
  type ipaddr = Ipaddr.t
  type prefix = Ipaddr.Prefix.t
  type callback = src:ipaddr -> dst:ipaddr -> Cstruct.t -> unit Lwt.t
  type error = [ Tcpip.Ip.error | `Ipv4 of Ipv4.error | `Ipv6 of Ipv6.error ]

  let pp_ipaddr = Ipaddr.pp
  let pp_prefix = Ipaddr.Prefix.pp

  let pp_error ppf = function
    | #Tcpip.Ip.error as error -> Tcpip.Ip.pp_error ppf error
    | `Ipv4 error -> Ipv4.pp_error ppf error
    | `Ipv6 error -> Ipv6.pp_error ppf error

  type t = { ipv4 : Ipv4.t; ipv6 : Ipv6.t; has_ipv4 : bool; has_ipv6 : bool }

  let connect ~ipv4_only ~ipv6_only ipv4 ipv6 =
    if ipv4_only && ipv6_only then
      Lwt.fail_with "The arguments --ipv4-only and --ipv6-only leave nothing: give at most one of them."
    else Lwt.return { ipv4; ipv6; has_ipv4 = not ipv6_only; has_ipv6 = not ipv4_only }

  let disconnect { ipv4; ipv6; _ } = Ipv4.disconnect ipv4 >>= fun () -> Ipv6.disconnect ipv6

  let input t ~(tcp : callback) ~(udp : callback) ~(default : proto:int -> callback) =
    let v4 (callback : callback) ~src ~dst payload = callback ~src:(V4 src) ~dst:(V4 dst) payload in
    let v6 (callback : callback) ~src ~dst payload = callback ~src:(V6 src) ~dst:(V6 dst) payload in
    let input_v4 = Ipv4.input t.ipv4 ~tcp:(v4 tcp) ~udp:(v4 udp) ~default:(fun ~proto -> v4 (default ~proto)) in
    let input_v6 = Ipv6.input t.ipv6 ~tcp:(v6 tcp) ~udp:(v6 udp) ~default:(fun ~proto -> v6 (default ~proto)) in
    fun packet ->
      if Cstruct.length packet = 0 then Lwt.return_unit
      else
        match Cstruct.get_uint8 packet 0 lsr 4 with
        | 4 when t.has_ipv4 -> input_v4 packet
        | 6 when t.has_ipv6 -> input_v6 packet
        | _ -> Lwt.return_unit

  let left_out version = Lwt.return_error (`No_route (Printf.sprintf "IPv%d is left out of this stack" version))
  let mixed = Lwt.return_error (`No_route "the source is of another version of IP than the destination")
  let in_v4 error = `Ipv4 error
  let in_v6 error = `Ipv6 error

  let write t ?fragment ?ttl ?src dst proto ?size fill payload =
    let write_v4 ?src dst =
      if t.has_ipv4 then Ipv4.write t.ipv4 ?fragment ?ttl ?src dst proto ?size fill payload >|= Result.map_error in_v4
      else left_out 4
    in
    let write_v6 ?src dst =
      if t.has_ipv6 then Ipv6.write t.ipv6 ?fragment ?ttl ?src dst proto ?size fill payload >|= Result.map_error in_v6
      else left_out 6
    in
    match (dst, src) with
    | Ipaddr.V4 dst, None -> write_v4 dst
    | V4 dst, Some (Ipaddr.V4 src) -> write_v4 ~src dst
    | V6 dst, None -> write_v6 dst
    | V6 dst, Some (V6 src) -> write_v6 ~src dst
    | V4 _, Some (V6 _) | V6 _, Some (V4 _) -> mixed

  let pseudoheader t ?src dst proto length =
    match (dst, src) with
    | Ipaddr.V4 dst, Some (Ipaddr.V4 src) -> Ipv4.pseudoheader t.ipv4 ~src dst proto length
    | V4 dst, (None | Some (V6 _)) -> Ipv4.pseudoheader t.ipv4 dst proto length
    | V6 dst, Some (V6 src) -> Ipv6.pseudoheader t.ipv6 ~src dst proto length
    | V6 dst, (None | Some (V4 _)) -> Ipv6.pseudoheader t.ipv6 dst proto length

  let src t ~dst =
    match dst with
    | Ipaddr.V4 dst -> Ipaddr.V4 (Ipv4.src t.ipv4 ~dst)
    | V6 dst -> V6 (Ipv6.src t.ipv6 ~dst)

  let configured_ips t =
    let v4 = if t.has_ipv4 then List.map (fun prefix -> Ipaddr.V4 prefix) (Ipv4.configured_ips t.ipv4) else [] in
    let v6 = if t.has_ipv6 then List.map (fun prefix -> Ipaddr.V6 prefix) (Ipv6.configured_ips t.ipv6) else [] in
    v4 @ v6

  let address = function
    | Ipaddr.V4 prefix -> Ipaddr.V4 (Ipaddr.V4.Prefix.address prefix)
    | V6 prefix -> V6 (Ipaddr.V6.Prefix.address prefix)

  let get_ip t = List.map address (configured_ips t)

  let mtu t ~dst =
    match dst with Ipaddr.V4 dst -> Ipv4.mtu t.ipv4 ~dst | V6 dst -> Ipv6.mtu t.ipv6 ~dst
end

module MakeV4V6
    (Netif : Mirage_net.S)
    (Ethernet : Ethernet.S)
    (Arpv4 : Arp.S)
    (Ip : Tcpip.Ip.S with type ipaddr = Ipaddr.t and type prefix = Ipaddr.Prefix.t)
    (Icmpv4 : Icmpv4.S)
    (Udp : Tcpip.Udp.S with type ipaddr = Ipaddr.t)
    (Tcp : Tcpip.Tcp.S with type ipaddr = Ipaddr.t) =
struct
  module IP = Ip
  module UDP = Udp
  module TCP = Tcp

  type t = {
    netif : Netif.t;
    ethernet : Ethernet.t;
    arp : Arpv4.t;
    ip : Ip.t;
    icmp : Icmpv4.t;
    udp : Udp.t;
    tcp : Tcp.t;
    stopped : unit Lwt.t;
    stop : unit Lwt.u;
  }

  let udp { udp; _ } = udp
  let tcp { tcp; _ } = tcp
  let ip { ip; _ } = ip

  let receive t =
    let icmp_number = 1 in
    let default ~proto ~src ~dst payload =
      match (src, dst) with
      | Ipaddr.V4 src, Ipaddr.V4 dst when proto = icmp_number -> Icmpv4.input t.icmp ~src ~dst payload
      | _ -> Lwt.return_unit
    in
    let ip = Ip.input t.ip ~tcp:(Tcp.input t.tcp) ~udp:(Udp.input t.udp) ~default in
    Netif.listen t.netif ~header_size:ethernet_header
      (Ethernet.input ~arpv4:(Arpv4.input t.arp) ~ipv4:ip ~ipv6:ip t.ethernet)
    >|= Result.iter_error (fun error -> Log.err (fun m -> m "Nothing is received any more: %a." Netif.pp_error error))

  let connect netif ethernet arp ip icmp udp tcp =
    let stopped, stop = Lwt.wait () in
    let t = { netif; ethernet; arp; ip; icmp; udp; tcp; stopped; stop } in
    Log.info (fun m ->
        let pp_addresses = Fmt.(list ~sep:(any ", ") Ip.pp_prefix) in
        m "IP %a; MAC %a" pp_addresses (Ip.configured_ips ip) Macaddr.pp (Ethernet.mac ethernet));
    Lwt.async (fun () -> receive t >|= fun () -> if Lwt.is_sleeping stopped then Lwt.wakeup_later stop ());
    Lwt.return t

  let listen { stopped; _ } = stopped

  let disconnect t =
    Tcp.disconnect t.tcp >>= fun () ->
    Udp.disconnect t.udp >>= fun () ->
    Ip.disconnect t.ip >>= fun () -> Netif.disconnect t.netif
end

module TCPV4V6 (Stack : Tcpip.Stack.V4V6) = struct
  include Stack.TCP

  let connect stack = Lwt.return (Stack.tcp stack)
end
