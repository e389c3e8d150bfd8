type proto = [ `ARP | `IPv4 | `IPv6 ]

let pp_proto ppf = function
  | `ARP -> Fmt.string ppf "ARP"
  | `IPv4 -> Fmt.string ppf "IPv4"
  | `IPv6 -> Fmt.string ppf "IPv6"

type t = { source : Macaddr.t; destination : Macaddr.t; ethertype : proto }

(* IEEE 802.3, clause 3.1: addresses of six bytes, then the type. *)
let address_size = 6
let ethertype_offset = 2 * address_size
let sizeof_ethernet = ethertype_offset + 2
let ethertype frame = Cstruct.BE.get_uint16 frame ethertype_offset
let to_ethertype = function `IPv4 -> 0x0800 | `ARP -> 0x0806 | `IPv6 -> 0x86dd

let of_ethertype = function
  | 0x0800 -> Ok `IPv4
  | 0x0806 -> Ok `ARP
  | 0x86dd -> Ok `IPv6
  | other -> Error (Printf.sprintf "a frame of the type 0x%04x, which is unknown" other)

let address frame offset = Macaddr.of_octets_exn (Cstruct.to_string frame ~off:offset ~len:address_size)

let of_cstruct frame =
  if Cstruct.length frame < sizeof_ethernet then
    Error (Printf.sprintf "a frame of %d bytes, too short for its header" (Cstruct.length frame))
  else
    let with_type ethertype =
      let t = { destination = address frame 0; source = address frame address_size; ethertype } in
      (t, Cstruct.shift frame sizeof_ethernet)
    in
    Result.map with_type (of_ethertype (ethertype frame))

let write_header frame ~src ~dst proto =
  Cstruct.blit_from_string (Macaddr.to_octets dst) 0 frame 0 address_size;
  Cstruct.blit_from_string (Macaddr.to_octets src) 0 frame address_size address_size;
  Cstruct.BE.set_uint16 frame ethertype_offset (to_ethertype proto)

let into_cstruct { source; destination; ethertype } buffer =
  if Cstruct.length buffer < sizeof_ethernet then
    Error (Printf.sprintf "a buffer of %d bytes, too short for an Ethernet header" (Cstruct.length buffer))
  else Ok (write_header buffer ~src:source ~dst:destination ethertype)

let make_cstruct { source; destination; ethertype } =
  let buffer = Cstruct.create sizeof_ethernet in
  write_header buffer ~src:source ~dst:destination ethertype;
  buffer
