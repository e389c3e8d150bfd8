module Crc32c = Checkseum.Crc32c

type t = { position : int; sectors : int; first : int; last : bool; epoch : int; chain : int; data : int; records : int }

let magic = 0x52464c55l (* "ULFR" *)
let checked_size = 48
let header_size = 52

let digest { Cstruct.buffer; off; len } before = Crc32c.digest_bigstring buffer off len before

let sum ~header ~records =
  let of_header = digest (Cstruct.sub header 0 checked_size) Crc32c.default in
  Optint.to_unsigned_int (digest records of_header)

let seal ~store t frame =
  Cstruct.LE.set_uint32 frame 0 magic;
  Cstruct.LE.set_uint16 frame 4 t.sectors;
  Cstruct.LE.set_uint16 frame 6 (if t.last then 1 else 0);
  Cstruct.LE.set_uint64 frame 8 (Int64.of_int store);
  Cstruct.LE.set_uint64 frame 16 (Int64.of_int t.position);
  Cstruct.LE.set_uint64 frame 24 (Int64.of_int t.first);
  Cstruct.LE.set_uint32 frame 32 (Int32.of_int t.epoch);
  Cstruct.LE.set_uint32 frame 36 (Int32.of_int t.chain);
  Cstruct.LE.set_uint32 frame 40 (Int32.of_int t.data);
  Cstruct.LE.set_uint32 frame 44 (Int32.of_int t.records);
  let sum = sum ~header:frame ~records:(Cstruct.sub frame (header_size + t.data) t.records) in
  Cstruct.LE.set_uint32 frame checked_size (Int32.of_int sum);
  sum

let int32 buffer offset = Int32.to_int (Cstruct.LE.get_uint32 buffer offset) land 0xffff_ffff
let int64 buffer offset = Int64.to_int (Cstruct.LE.get_uint64 buffer offset)

let unseal ~store layout ~position header =
  if Cstruct.LE.get_uint32 header 0 <> magic then None
  else
    let t =
      {
        position;
        sectors = Cstruct.LE.get_uint16 header 4;
        last = Cstruct.LE.get_uint16 header 6 = 1;
        first = int64 header 24;
        epoch = int32 header 32;
        chain = int32 header 36;
        data = int32 header 40;
        records = int32 header 44;
      }
    in
    let is_sound =
      int64 header 8 = store
      && int64 header 16 = position
      && 0 <= t.first
      && t.first <= position
      && t.sectors <= layout.Layout.frame_sectors
      && t.sectors = Layout.sectors_of layout (header_size + t.data + t.records)
    in
    if is_sound then Some t else None

let checksum ~header ~records =
  let sum = sum ~header ~records in
  if sum = int32 header checked_size then Some sum else None
