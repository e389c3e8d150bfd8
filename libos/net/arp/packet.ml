type operation = Request | Reply

type t = {
  operation : operation;
  source_mac : Macaddr.t;
  source_ip : Ipaddr.V4.t;
  target_mac : Macaddr.t;
  target_ip : Ipaddr.V4.t;
}

let size = 28

(* Ethernet, IPv4, and the lengths of their addresses *)
let kind = "\x00\x01\x08\x00\x06\x04"
let mac buffer offset = Macaddr.of_octets_exn (Cstruct.to_string buffer ~off:offset ~len:6)
let ip buffer offset = Ipaddr.V4.of_int32 (Cstruct.BE.get_uint32 buffer offset)

let of_cstruct buffer =
  let message operation =
    let source_mac = mac buffer 8 and source_ip = ip buffer 14 in
    Some { operation; source_mac; source_ip; target_mac = mac buffer 18; target_ip = ip buffer 24 }
  in
  if Cstruct.length buffer < size || Cstruct.to_string buffer ~off:0 ~len:6 <> kind then None
  else match Cstruct.BE.get_uint16 buffer 6 with 1 -> message Request | 2 -> message Reply | _ -> None

let write buffer { operation; source_mac; source_ip; target_mac; target_ip } =
  let set_mac offset mac = Cstruct.blit_from_string (Macaddr.to_octets mac) 0 buffer offset 6 in
  let set_ip offset ip = Cstruct.BE.set_uint32 buffer offset (Ipaddr.V4.to_int32 ip) in
  Cstruct.blit_from_string kind 0 buffer 0 6;
  Cstruct.BE.set_uint16 buffer 6 (match operation with Request -> 1 | Reply -> 2);
  set_mac 8 source_mac;
  set_ip 14 source_ip;
  set_mac 18 target_mac;
  set_ip 24 target_ip
