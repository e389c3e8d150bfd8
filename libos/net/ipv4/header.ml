let size = 20
let protocol = function `ICMP -> 1 | `TCP -> 6 | `UDP -> 17

type fragment = { id : int; offset : int; more : bool }

let dont_fragment = 0x4000
let more_fragments = 0x2000
let offset_bits = 0x1fff
let fragmentation packet = Cstruct.BE.get_uint16 packet 6
let is_whole packet = fragmentation packet land (more_fragments lor offset_bits) = 0

let fragment packet =
  let bits = fragmentation packet in
  {
    id = Cstruct.BE.get_uint16 packet 4;
    offset = 8 * (bits land offset_bits);
    more = bits land more_fragments <> 0;
  }

let source packet = Ipaddr.V4.of_int32 (Cstruct.BE.get_uint32 packet 12)
let destination packet = Ipaddr.V4.of_int32 (Cstruct.BE.get_uint32 packet 16)
let carries packet = Cstruct.get_uint8 packet 9

let payload packet =
  let there = Cstruct.length packet in
  if there < size then None
  else
    let first = Cstruct.get_uint8 packet 0 in
    let header = 4 * (first land 15) and total = Cstruct.BE.get_uint16 packet 2 in
    let sound =
      first lsr 4 = 4 && header >= size && header <= total && total <= there
      && Tcpip_checksum.ones_complement (Cstruct.sub packet 0 header) = 0
    in
    if sound then Some (Cstruct.sub packet header (total - header)) else None

type fragmenting = Never | Fragment of fragment

let write packet ~length fragmenting ~ttl ~proto ~src ~dst =
  let id, bits =
    match fragmenting with
    | Never -> (0, dont_fragment) (* RFC 6864: an identity is for fragments only *)
    | Fragment { id; offset; more } -> (id, (offset / 8) lor if more then more_fragments else 0)
  in
  Cstruct.BE.set_uint16 packet 0 0x4500;
  Cstruct.BE.set_uint16 packet 2 length;
  Cstruct.BE.set_uint16 packet 4 id;
  Cstruct.BE.set_uint16 packet 6 bits;
  Cstruct.BE.set_uint16 packet 8 ((ttl lsl 8) lor proto);
  Cstruct.BE.set_uint16 packet 10 0;
  Cstruct.BE.set_uint32 packet 12 (Ipaddr.V4.to_int32 src);
  Cstruct.BE.set_uint32 packet 16 (Ipaddr.V4.to_int32 dst);
  Cstruct.BE.set_uint16 packet 10 (Tcpip_checksum.ones_complement (Cstruct.sub packet 0 size))

let pseudoheader ~src ~dst proto length =
  let buffer = Cstruct.create_unsafe 12 in
  Cstruct.BE.set_uint32 buffer 0 (Ipaddr.V4.to_int32 src);
  Cstruct.BE.set_uint32 buffer 4 (Ipaddr.V4.to_int32 dst);
  Cstruct.BE.set_uint16 buffer 8 (protocol proto);
  Cstruct.BE.set_uint16 buffer 10 length;
  buffer
