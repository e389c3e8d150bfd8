type error = Tcpip.Ip.error
type ipaddr = Ipaddr.t
type prefix = Ipaddr.Prefix.t
type callback = src:ipaddr -> dst:ipaddr -> Cstruct.t -> unit Lwt.t
type t = Addresses.t

let pp_error = Tcpip.Ip.pp_error
let pp_ipaddr = Ipaddr.pp
let pp_prefix = Ipaddr.Prefix.pp
let disconnect _ = Lwt.return_unit
let input _ ~tcp:_ ~udp:_ ~default:_ _ = Lwt.return_unit

let write _ ?fragment:_ ?ttl:_ ?src:_ _ _ ?size:_ _ _ =
  Lwt.return_error (`No_route "packets are made by this machine, whose sockets these are")

let pseudoheader _ ?src:_ _ _ _ = Cstruct.empty
let configured_ips = Addresses.prefixes
let address = function
  | Ipaddr.V4 prefix -> Ipaddr.V4 (Ipaddr.V4.Prefix.address prefix)
  | V6 prefix -> V6 (Ipaddr.V6.Prefix.address prefix)

let get_ip t = List.map address (configured_ips t)

(* Where a datagram to [dst] would come from, by the routes of this machine. *)
let src _ ~dst =
  let place = Addresses.to_unix dst in
  let socket = Unix.socket ~cloexec:true (Addresses.domain place) SOCK_DGRAM 0 in
  Fun.protect
    ~finally:(fun () -> Unix.close socket)
    (fun () ->
      (try Unix.connect socket (ADDR_INET (place, 9)) with Unix.Unix_error _ -> ());
      fst (Addresses.of_unix (Unix.getsockname socket)))

let ethernet_mtu = 1500
let header = function Ipaddr.V4 _ -> 20 | V6 _ -> 40
let mtu _ ~dst = ethernet_mtu - header dst
