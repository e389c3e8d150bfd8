type t = {
  cidr : Ipaddr.V4.Prefix.t;
  gateway : Ipaddr.V4.t option;
  server : Ipaddr.V4.t;
  renew_s : int;
  rebind_s : int;
  end_s : int option;
  options : (int * string) list;
}

let forever = 0xffff_ffff
let can_be_a_host ip = not (Ipaddr.V4.compare ip Ipaddr.V4.any = 0 || Ipaddr.V4.is_multicast ip)

(* A server that does not say how large its network is means one like most. *)
let usual_mask = Ipaddr.V4.Prefix.mask 24

let of_packet (packet : Packet.t) =
  let address = packet.yiaddr in
  let netmask = Option.value (Packet.address packet Packet.subnet_mask) ~default:usual_mask in
  match (Ipaddr.V4.Prefix.of_netmask ~netmask ~address, Packet.address packet Packet.server_identifier) with
  | Ok cidr, Some server when can_be_a_host address ->
      let end_s =
        match Packet.seconds packet Packet.lease_time with
        | Some seconds when seconds <> forever -> Some (max 1 seconds)
        | Some _ | None -> None
      in
      (* RFC 2131, section 4.4.5 *)
      let time option part =
        let usual = match end_s with Some seconds -> part seconds | None -> forever in
        match (Packet.seconds packet option, end_s) with
        | Some seconds, Some end_s when seconds > 0 && seconds < end_s -> seconds
        | _ -> usual
      in
      Some
        {
          cidr;
          gateway = Packet.address packet Packet.routers;
          server;
          renew_s = time Packet.renewal_time (fun seconds -> seconds / 2);
          rebind_s = time Packet.rebinding_time (fun seconds -> seconds * 7 / 8);
          end_s;
          options = packet.options;
        }
  | _ -> None

let pp ppf { cidr; gateway; server; end_s; _ } =
  let pp_ip = Ipaddr.V4.pp in
  Fmt.pf ppf "%a from %a%a%a" Ipaddr.V4.Prefix.pp cidr pp_ip server
    Fmt.(option (any ", gateway " ++ pp_ip))
    gateway
    Fmt.(option (any ", for " ++ int ++ any " s"))
    end_s
