type prefix = {
  prefix : Ipaddr.V6.Prefix.t;
  on_link : bool;
  autonomous : bool;
  valid_s : int;
  preferred_s : int;
}

let forever = 0xffff_ffff

type advertisement = {
  lifetime_s : int;
  hop_limit : int;
  prefixes : prefix list;
  mtu : int option;
  router_mac : Macaddr.t option;
}

type t =
  | Router_advertisement of advertisement
  | Solicitation of { target : Ipaddr.V6.t; source_mac : Macaddr.t option }
  | Advertisement of { target : Ipaddr.V6.t; target_mac : Macaddr.t option; solicited : bool }

(* ICMPv6 types *)
let is_router_solicitation = 133
let is_router_advertisement = 134
let is_solicitation = 135
let is_advertisement = 136

(* Options: RFC 4861, section 4.6 *)
let source_mac_option = 1
let target_mac_option = 2
let prefix_option = 3
let mtu_option = 5

(* Each with its kind; None if they are malformed. *)
let rec options rest =
  match Cstruct.length rest with
  | 0 -> Some []
  | 1 -> None
  | length ->
      let own = 8 * Cstruct.get_uint8 rest 1 in
      if own = 0 || own > length then None
      else
        let option = (Cstruct.get_uint8 rest 0, Cstruct.sub rest 0 own) in
        Option.map (fun others -> option :: others) (options (Cstruct.shift rest own))

let mac_of option = Macaddr.of_octets_exn (Cstruct.to_string option ~off:2 ~len:6)
let mac kind options = Option.map mac_of (List.assoc_opt kind options)
let seconds buffer offset = Int32.to_int (Cstruct.BE.get_uint32 buffer offset) land forever

let prefix_of option =
  let bits = Cstruct.get_uint8 option 2 in
  if Cstruct.length option < 32 || bits > 128 then None
  else
    let flags = Cstruct.get_uint8 option 3 in
    Some
      {
        prefix = Ipaddr.V6.Prefix.prefix (Ipaddr.V6.Prefix.make bits (Header.get_address option 16));
        on_link = flags land 0x80 <> 0;
        autonomous = flags land 0x40 <> 0;
        valid_s = seconds option 4;
        preferred_s = seconds option 8;
      }

let router_advertisement body =
  let of_options options =
    let prefixes = List.filter (fun (kind, _) -> kind = prefix_option) options in
    Router_advertisement
      {
        hop_limit = Cstruct.get_uint8 body 0;
        lifetime_s = Cstruct.BE.get_uint16 body 2;
        prefixes = List.filter_map (fun (_, option) -> prefix_of option) prefixes;
        mtu = Option.map (fun option -> seconds option 4) (List.assoc_opt mtu_option options);
        router_mac = mac source_mac_option options;
      }
  in
  if Cstruct.length body < 12 then None else Option.map of_options (options (Cstruct.shift body 12))

let about_target body of_options =
  if Cstruct.length body < 20 then None
  else
    let target = Header.get_address body 4 in
    if Ipaddr.V6.is_multicast target then None
    else Option.map (of_options target) (options (Cstruct.shift body 20))

let of_cstruct ~kind body =
  if kind = is_router_advertisement then router_advertisement body
  else if kind = is_solicitation then
    about_target body (fun target options -> Solicitation { target; source_mac = mac source_mac_option options })
  else if kind = is_advertisement then
    about_target body (fun target options ->
        let solicited = Cstruct.get_uint8 body 0 land 0x40 <> 0 in
        Advertisement { target; target_mac = mac target_mac_option options; solicited })
  else None

let mac_option kind mac =
  let option = Cstruct.create 8 in
  Cstruct.set_uint8 option 0 kind;
  Cstruct.set_uint8 option 1 1;
  Cstruct.blit_from_string (Macaddr.to_octets mac) 0 option 2 6;
  option

let target_body target =
  let body = Cstruct.create 20 in
  Header.set_address body 4 target;
  body

let router_solicitation () = (is_router_solicitation, Cstruct.create 4)

let solicitation ?source_mac target =
  let option = match source_mac with Some mac -> mac_option source_mac_option mac | None -> Cstruct.empty in
  (is_solicitation, Cstruct.append (target_body target) option)

let advertisement ~solicited mac target =
  let body = target_body target in
  let override = 0x20 in
  Cstruct.set_uint8 body 0 (override lor if solicited then 0x40 else 0);
  (is_advertisement, Cstruct.append body (mac_option target_mac_option mac))
