(* The message holds the packet that it is about. Its IP header has not been handed on; but who sent what to whom is all
   that its sender looks at, and is in the pseudoheader. *)

let icmp_header = 8

(* How much of a packet is sent back: no answer may be fragmented (RFC 1812, section 4.3.2.3; 4443, section 2.4). *)
let part_of datagram most = Cstruct.sub datagram 0 (min most (Cstruct.length datagram))

let v4 ~pseudoheader datagram =
  let ip_header = 20 in
  let part = part_of datagram (576 - ip_header - icmp_header - ip_header) in
  let message = Cstruct.create (icmp_header + ip_header) in
  Cstruct.set_uint8 message 0 3;
  Cstruct.set_uint8 message 1 3;
  let header = Cstruct.shift message icmp_header in
  Cstruct.set_uint8 header 0 0x45;
  Cstruct.BE.set_uint16 header 2 (ip_header + Cstruct.length datagram);
  Cstruct.set_uint8 header 8 64;
  Cstruct.set_uint8 header 9 17;
  Cstruct.blit pseudoheader 0 header 12 8;
  Cstruct.BE.set_uint16 header 10 (Tcpip_checksum.ones_complement header);
  let message = Cstruct.append message part in
  Cstruct.BE.set_uint16 message 2 (Tcpip_checksum.ones_complement message);
  message

let v6 ~pseudoheader datagram =
  let ip_header = 40 in
  let part = part_of datagram (1280 - ip_header - icmp_header - ip_header) in
  let message = Cstruct.create (icmp_header + ip_header) in
  Cstruct.set_uint8 message 0 1;
  Cstruct.set_uint8 message 1 4;
  let header = Cstruct.shift message icmp_header in
  Cstruct.set_uint8 header 0 0x60;
  Cstruct.BE.set_uint16 header 4 (Cstruct.length datagram);
  Cstruct.set_uint8 header 6 17;
  Cstruct.set_uint8 header 7 64;
  Cstruct.blit pseudoheader 0 header 8 32;
  let message = Cstruct.append message part in
  let pseudoheader = Cstruct.append pseudoheader Cstruct.empty in
  Cstruct.BE.set_uint32 pseudoheader 32 (Int32.of_int (Cstruct.length message));
  Cstruct.set_uint8 pseudoheader 39 58;
  Cstruct.BE.set_uint16 message 2 (Tcpip_checksum.ones_complement_list [ pseudoheader; message ]);
  message

let answer ~pseudoheader datagram =
  if Cstruct.length pseudoheader = 12 then v4 ~pseudoheader datagram else v6 ~pseudoheader datagram
