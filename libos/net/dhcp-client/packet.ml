type kind = Discover | Offer | Request | Ack | Nak

type t = {
  kind : kind;
  xid : int32;
  secs : int;
  ciaddr : Ipaddr.V4.t;
  yiaddr : Ipaddr.V4.t;
  chaddr : Macaddr.t;
  options : (int * string) list;
}

let subnet_mask = 1
let routers = 3
let host_name = 12
let requested_address = 50
let lease_time = 51
let message_type = 53
let server_identifier = 54
let parameter_request_list = 55
let renewal_time = 58
let rebinding_time = 59
let kinds = [ (Discover, 1); (Offer, 2); (Request, 3); (Ack, 5); (Nak, 6) ]

let address t option =
  match List.assoc_opt option t.options with
  | Some text when String.length text >= 4 -> Some (Ipaddr.V4.of_int32 (String.get_int32_be text 0))
  | Some _ | None -> None

let seconds t option =
  match List.assoc_opt option t.options with
  | Some text when String.length text = 4 -> Some (Int32.to_int (String.get_int32_be text 0) land 0xffff_ffff)
  | Some _ | None -> None

let client_port = 68
let server_port = 67

(* Messages: RFC 2131, figure 1 *)

let fixed_size = 236
let cookie = "\x63\x82\x53\x63"
let least_size = 300 (* BOOTP's, which some relays still ask for: RFC 1542, section 2.1 *)

let rec read_options rest =
  if Cstruct.length rest = 0 then []
  else
    match Cstruct.get_uint8 rest 0 with
    | 0 -> read_options (Cstruct.shift rest 1)
    | 255 -> []
    | number ->
        let length = if Cstruct.length rest < 2 then max_int - 2 else Cstruct.get_uint8 rest 1 in
        if 2 + length > Cstruct.length rest then []
        else
          let content = Cstruct.to_string rest ~off:2 ~len:length in
          (number, content) :: read_options (Cstruct.shift rest (2 + length))

let ip buffer offset = Ipaddr.V4.of_int32 (Cstruct.BE.get_uint32 buffer offset)

let of_kind options =
  match List.assoc_opt message_type options with
  | Some text when String.length text = 1 ->
      let number = Char.code text.[0] in
      Option.map fst (List.find_opt (fun (_, n) -> n = number) kinds)
  | Some _ | None -> None

let of_payload payload =
  let behind = fixed_size + String.length cookie in
  if
    Cstruct.length payload < behind
    || Cstruct.get_uint8 payload 0 <> 2
    || Cstruct.to_string payload ~off:fixed_size ~len:(String.length cookie) <> cookie
  then None
  else
    let options = read_options (Cstruct.shift payload behind) in
    let with_kind kind =
      {
        kind;
        xid = Cstruct.BE.get_uint32 payload 4;
        secs = Cstruct.BE.get_uint16 payload 8;
        ciaddr = ip payload 12;
        yiaddr = ip payload 16;
        chaddr = Macaddr.of_octets_exn (Cstruct.to_string payload ~off:28 ~len:6);
        options = List.remove_assoc message_type options;
      }
    in
    Option.map with_kind (of_kind options)

let to_payload { kind; xid; secs; ciaddr; yiaddr; chaddr; options } =
  let options = (message_type, String.make 1 (Char.chr (List.assoc kind kinds))) :: options in
  let text (number, content) = Printf.sprintf "%c%c%s" (Char.chr number) (Char.chr (String.length content)) content in
  let options = cookie ^ String.concat "" (List.map text options) ^ "\xff" in
  let payload = Cstruct.create (max least_size (fixed_size + String.length options)) in
  Cstruct.set_uint8 payload 0 1 (* a question *);
  Cstruct.set_uint8 payload 1 1 (* Ethernet *);
  Cstruct.set_uint8 payload 2 6 (* the length of its addresses *);
  Cstruct.BE.set_uint32 payload 4 xid;
  Cstruct.BE.set_uint16 payload 8 secs;
  Cstruct.BE.set_uint32 payload 12 (Ipaddr.V4.to_int32 ciaddr);
  Cstruct.BE.set_uint32 payload 16 (Ipaddr.V4.to_int32 yiaddr);
  Cstruct.blit_from_string (Macaddr.to_octets chaddr) 0 payload 28 6;
  Cstruct.blit_from_string options 0 payload fixed_size (String.length options);
  payload

(* Frames: Ethernet, IPv4 and UDP *)

let ethernet_header = Ethernet.Packet.sizeof_ethernet
let ip_header = 20
let udp_header = 8
let udp_number = 17

(* Where IP's header may have options. *)
let of_frame frame =
  let packet = Cstruct.shift frame (min ethernet_header (Cstruct.length frame)) in
  let there = Cstruct.length packet in
  if
    there < ip_header + udp_header
    || Cstruct.BE.get_uint16 frame 12 <> 0x0800
    || Cstruct.get_uint8 packet 9 <> udp_number
    || Cstruct.get_uint8 packet 0 lsr 4 <> 4
  then None
  else
    let header = 4 * (Cstruct.get_uint8 packet 0 land 15) in
    let total = Cstruct.BE.get_uint16 packet 2 in
    let is_fragment = Cstruct.BE.get_uint16 packet 6 land 0x3fff <> 0 in
    if header < ip_header || header + udp_header > total || total > there || is_fragment then None
    else
      let datagram = Cstruct.sub packet header (total - header) in
      if Cstruct.BE.get_uint16 datagram 0 <> server_port || Cstruct.BE.get_uint16 datagram 2 <> client_port then None
      else
        let length = Cstruct.BE.get_uint16 datagram 4 in
        let pseudoheader = Static_ipv4.Header.pseudoheader ~src:(ip packet 12) ~dst:(ip packet 16) `UDP length in
        let sound =
          length >= udp_header
          && length <= Cstruct.length datagram
          && Tcpip_checksum.ones_complement (Cstruct.sub packet 0 header) = 0
          && (Cstruct.BE.get_uint16 datagram 6 = 0
             || Tcpip_checksum.ones_complement_list [ pseudoheader; Cstruct.sub datagram 0 length ] = 0)
        in
        Some (if sound then of_payload (Cstruct.sub datagram udp_header (length - udp_header)) else None)

let frame_size payload = ethernet_header + ip_header + udp_header + Cstruct.length payload

let write_frame frame ~src payload =
  let any = Ipaddr.V4.any and all = Ipaddr.V4.broadcast in
  let length = udp_header + Cstruct.length payload in
  let header = { Ethernet.Packet.source = src; destination = Macaddr.broadcast; ethertype = `IPv4 } in
  Result.iter_error invalid_arg (Ethernet.Packet.into_cstruct header frame);
  let packet = Cstruct.shift frame ethernet_header in
  Static_ipv4.Header.write packet ~length:(ip_header + length) Never ~ttl:64 ~proto:udp_number ~src:any ~dst:all;
  let datagram = Cstruct.sub packet ip_header length in
  Cstruct.BE.set_uint16 datagram 0 client_port;
  Cstruct.BE.set_uint16 datagram 2 server_port;
  Cstruct.BE.set_uint16 datagram 4 length;
  Cstruct.blit payload 0 datagram udp_header (Cstruct.length payload);
  let pseudoheader = Static_ipv4.Header.pseudoheader ~src:any ~dst:all `UDP length in
  Cstruct.BE.set_uint16 datagram 6 (Tcpip_checksum.ones_complement_list [ pseudoheader; datagram ])
