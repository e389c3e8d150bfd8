open Hosts

type seen = { kind : int; xid : string; ciaddr : string; to_ : string; options : (int * string) list; at : int }

let rec options text i =
  match text.[i] with
  | '\xff' -> []
  | '\000' -> options text (i + 1)
  | number ->
      let length = Char.code text.[i + 1] in
      (Char.code number, String.sub text (i + 2) length) :: options text (i + 2 + length)

let now_ms () = Int64.to_int (Int64.div (Mirage_mtime.elapsed_ns ()) 1_000_000L)

let seen frame =
  let text = Cstruct.to_string frame in
  let is_udp = String.length text > 42 && String.get_uint16_be text 12 = 0x0800 && text.[23] = '\x11' in
  if not (is_udp && String.get_uint16_be text 36 = 67) then None
  else
    let options = options text (42 + 240) in
    let octets at = String.sub text at 4 in
    let kind = Char.code (List.assoc 53 options).[0] in
    Some { kind; xid = octets 46; ciaddr = octets 54; to_ = octets 30; options; at = now_ms () }

let ip text = Ipaddr.V4.to_octets (ip4 text)

let u32 n = Ipaddr.V4.(to_octets (of_int32 (Int32.of_int n)))

let usual ?(lease = 1000) () =
  [ (1, ip "255.255.255.0"); (3, ip "10.0.0.254"); (51, u32 lease); (6, ip "10.0.0.3") ]

let frame ?(kind = 2) ?(address = "10.0.0.50") ?(client = mac 1) ?(server = "10.0.0.254") ~xid options =
  let option (number, content) = Printf.sprintf "%c%c%s" (Char.chr number) (Char.chr (String.length content)) content in
  let all = (53, String.make 1 (Char.chr kind)) :: (54, ip server) :: options in
  let message =
    "\x02\x01\x06\x00" ^ xid ^ String.make 8 '\000' ^ ip address ^ String.make 8 '\000' ^ Macaddr.to_octets client
    ^ String.make (10 + 64 + 128) '\000'
    ^ "\x63\x82\x53\x63"
    ^ String.concat "" (List.map option all)
    ^ "\xff"
  in
  let udp = Cstruct.of_string ("\x00\x43\x00\x44" ^ "\000\000\000\000" ^ message) in
  Cstruct.BE.set_uint16 udp 4 (Cstruct.length udp);
  let header = Cstruct.of_string ("\x45\x00\x00\x00\x00\x00\x00\x00\x40\x11\x00\x00" ^ ip server ^ "\xff\xff\xff\xff") in
  Cstruct.BE.set_uint16 header 2 (20 + Cstruct.length udp);
  Cstruct.BE.set_uint16 header 10 (Tcpip_checksum.ones_complement header);
  Cstruct.concat [ Cstruct.of_string (String.make 6 '\xff' ^ Macaddr.to_octets (mac 99) ^ "\x08\x00"); header; udp ]
