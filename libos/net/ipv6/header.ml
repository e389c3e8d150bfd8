let size = 40
let hop_by_hop = 0
let routing = 43
let fragment = 44
let icmp = 58
let options = 60
let protocol = function `TCP -> 6 | `UDP -> 17 | `ICMP -> icmp

let get_address buffer offset =
  let word i = Cstruct.BE.get_uint32 buffer (offset + (4 * i)) in
  Ipaddr.V6.of_int32 (word 0, word 1, word 2, word 3)

let set_address buffer offset address =
  let a, b, c, d = Ipaddr.V6.to_int32 address in
  Cstruct.BE.set_uint32 buffer offset a;
  Cstruct.BE.set_uint32 buffer (offset + 4) b;
  Cstruct.BE.set_uint32 buffer (offset + 8) c;
  Cstruct.BE.set_uint32 buffer (offset + 12) d

type t = { src : Ipaddr.V6.t; dst : Ipaddr.V6.t; hop_limit : int; next : int; rest : Cstruct.t }

let of_cstruct packet =
  if Cstruct.length packet < size || Cstruct.get_uint8 packet 0 lsr 4 <> 6 then None
  else
    let length = Cstruct.BE.get_uint16 packet 4 in
    if size + length > Cstruct.length packet then None
    else
      Some
        {
          src = get_address packet 8;
          dst = get_address packet 24;
          hop_limit = Cstruct.get_uint8 packet 7;
          next = Cstruct.get_uint8 packet 6;
          rest = Cstruct.sub packet size length;
        }

type payload =
  | Payload of int * Cstruct.t
  | Fragment of { id : int32; offset : int; more : bool; next : int; content : Cstruct.t }
  | Nothing

(* An option that is not known may be skipped if its first two bits say so. *)
let rec may_be_skipped options =
  match Cstruct.length options with
  | 0 -> true
  | length ->
      let kind = Cstruct.get_uint8 options 0 in
      if kind = 0 then may_be_skipped (Cstruct.shift options 1)
      else if length < 2 || kind land 0xc0 <> 0 then false
      else
        let whole = 2 + Cstruct.get_uint8 options 1 in
        whole <= length && may_be_skipped (Cstruct.shift options whole)

let fragment_size = 8

let read_fragment rest =
  if Cstruct.length rest < fragment_size then Nothing
  else
    let bits = Cstruct.BE.get_uint16 rest 2 in
    Fragment
      {
        next = Cstruct.get_uint8 rest 0;
        offset = bits land lnot 7;
        more = bits land 1 = 1;
        id = Cstruct.BE.get_uint32 rest 4;
        content = Cstruct.shift rest fragment_size;
      }

(* A few headers are enough for all who mean well. *)
let headers_most = 8

let payload next rest =
  let rec skip next rest left =
    if next = fragment then read_fragment rest
    else if next <> hop_by_hop && next <> routing && next <> options then Payload (next, rest)
    else
      let length = Cstruct.length rest in
      let own = if length < 2 then max_int else 8 * (1 + Cstruct.get_uint8 rest 1) in
      if left = 0 || own > length then Nothing
      else
        let sound =
          if next = routing then Cstruct.get_uint8 rest 3 = 0 (* nowhere else to go *)
          else may_be_skipped (Cstruct.sub rest 2 (own - 2))
        in
        if sound then skip (Cstruct.get_uint8 rest 0) (Cstruct.shift rest own) (left - 1) else Nothing
  in
  skip next rest headers_most

let write packet ~length ~hop_limit ~next ~src ~dst =
  Cstruct.BE.set_uint32 packet 0 0x60000000l;
  Cstruct.BE.set_uint16 packet 4 length;
  Cstruct.set_uint8 packet 6 next;
  Cstruct.set_uint8 packet 7 hop_limit;
  set_address packet 8 src;
  set_address packet 24 dst

let write_fragment rest ~id ~offset ~more ~next =
  Cstruct.BE.set_uint16 rest 0 (next lsl 8);
  Cstruct.BE.set_uint16 rest 2 (offset lor if more then 1 else 0);
  Cstruct.BE.set_uint32 rest 4 id

let pseudoheader ~src ~dst next length =
  let buffer = Cstruct.create_unsafe 40 in
  set_address buffer 0 src;
  set_address buffer 16 dst;
  Cstruct.BE.set_uint32 buffer 32 (Int32.of_int length);
  Cstruct.BE.set_uint32 buffer 36 (Int32.of_int next);
  buffer
