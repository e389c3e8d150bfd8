type t = { layout : Layout.t; store : int; generation : int; tail : int; head : int; chain : int; epoch : int }

let magic = "UKLSTORE"
let version = 1

(* Up to here it depends on the device alone. *)
let fixed_size = 32
let checked_size = 72
let size = 76

let checksum sector =
  let { Cstruct.buffer; off; _ } = Cstruct.sub sector 0 checked_size in
  Checkseum.Crc32c.(to_int32 (digest_bigstring buffer off checked_size default))

let encode t =
  let { Layout.sector_size; sectors; frame_sectors } = t.layout in
  let sector = Cstruct.create sector_size in
  Cstruct.blit_from_string magic 0 sector 0 8;
  Cstruct.LE.set_uint32 sector 8 (Int32.of_int version);
  Cstruct.LE.set_uint32 sector 12 (Int32.of_int sector_size);
  Cstruct.LE.set_uint64 sector 16 (Int64.of_int sectors);
  Cstruct.LE.set_uint32 sector 24 (Int32.of_int frame_sectors);
  Cstruct.LE.set_uint64 sector 32 (Int64.of_int t.store);
  Cstruct.LE.set_uint64 sector 40 (Int64.of_int t.generation);
  Cstruct.LE.set_uint64 sector 48 (Int64.of_int t.tail);
  Cstruct.LE.set_uint64 sector 56 (Int64.of_int t.head);
  Cstruct.LE.set_uint32 sector 64 (Int32.of_int t.chain);
  Cstruct.LE.set_uint32 sector 68 (Int32.of_int t.epoch);
  Cstruct.LE.set_uint32 sector checked_size (checksum sector);
  sector

let int32 sector offset = Int32.to_int (Cstruct.LE.get_uint32 sector offset) land 0xffff_ffff
let int64 sector offset = Int64.to_int (Cstruct.LE.get_uint64 sector offset)

let is_sound t =
  Layout.is_sound t.layout && 0 <= t.tail && t.tail <= t.head
  && t.head - t.tail <= Layout.ring t.layout
  && t.head <= Layout.last_position

let decode sector =
  if Cstruct.to_string sector ~len:8 <> magic || checksum sector <> Cstruct.LE.get_uint32 sector checked_size then
    Error `None
  else if int32 sector 8 <> version then Error (`Version (int32 sector 8))
  else
    let sector_size = int32 sector 12 and sectors = int64 sector 16 and frame_sectors = int32 sector 24 in
    let t =
      {
        layout = { Layout.sector_size; sectors; frame_sectors };
        store = int64 sector 32;
        generation = int64 sector 40;
        tail = int64 sector 48;
        head = int64 sector 56;
        chain = int32 sector 64;
        epoch = int32 sector 68;
      }
    in
    if is_sound t then Ok t else Error `None

let could_be_torn layout sector =
  let whole = encode { layout; store = 0; generation = 0; tail = 0; head = 0; chain = 0; epoch = 0 } in
  let fits i byte = byte = 0 || (i < fixed_size && byte = Cstruct.get_uint8 whole i) || (i >= fixed_size && i < size) in
  let rec all i = i = Cstruct.length sector || (fits i (Cstruct.get_uint8 sector i) && all (i + 1)) in
  all 0
