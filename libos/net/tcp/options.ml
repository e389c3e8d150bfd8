type t = {
  mss : int;
  window_scale : int;
  sack_permitted : bool;
  ts_value : int;
  ts_echo : int;
  sack : (int * int) list;
}

let none = { mss = 0; window_scale = -1; sack_permitted = false; ts_value = -1; ts_echo = 0; sack = [] }

(* Kinds *)
let end_of_list = 0
let no_operation = 1
let mss = 2
let window_scale = 3
let sack_permitted = 4
let sack = 5
let timestamps = 8

let[@inline] uint32 buffer offset = Int32.to_int (Cstruct.BE.get_uint32 buffer offset) land 0xffff_ffff
let[@inline] set_uint32 buffer offset value = Cstruct.BE.set_uint32 buffer offset (Int32.of_int value)

(* Two paddings, then the timestamps' kind and length: how nearly all segments begin their options. *)
let timestamps_only = 0x0101_080a

(* Padding that puts the blocks at a multiple of 4. *)
let sack_size = function [] -> 0 | blocks -> 4 + (8 * List.length blocks)

let size t =
  (if t.mss > 0 then 4 else 0)
  + (if t.window_scale >= 0 then 4 else 0)
  + (if t.sack_permitted then 4 else 0)
  + (if t.ts_value >= 0 then 12 else 0)
  + match t.sack with [] -> 0 | blocks -> sack_size blocks

(* Each begins at a multiple of 4, with paddings before it. *)
let padded buffer offset ~kind ~length ~padding =
  for i = 0 to padding - 1 do
    Cstruct.set_uint8 buffer (offset + i) no_operation
  done;
  Cstruct.set_uint8 buffer (offset + padding) kind;
  Cstruct.set_uint8 buffer (offset + padding + 1) length

let write_timestamps t buffer offset =
  set_uint32 buffer offset timestamps_only;
  set_uint32 buffer (offset + 4) t.ts_value;
  set_uint32 buffer (offset + 8) t.ts_echo

let write_others t buffer offset =
  let place = ref offset in
  if t.mss > 0 then begin
    padded buffer !place ~kind:mss ~length:4 ~padding:0;
    Cstruct.BE.set_uint16 buffer (!place + 2) t.mss;
    place := !place + 4
  end;
  if t.window_scale >= 0 then begin
    padded buffer !place ~kind:window_scale ~length:3 ~padding:1;
    Cstruct.set_uint8 buffer (!place + 3) t.window_scale;
    place := !place + 4
  end;
  if t.sack_permitted then begin
    padded buffer !place ~kind:sack_permitted ~length:2 ~padding:2;
    place := !place + 4
  end;
  if t.sack <> [] then begin
    padded buffer !place ~kind:sack ~length:(sack_size t.sack - 2) ~padding:2;
    List.iteri
      (fun i (first, behind) ->
        set_uint32 buffer (!place + 4 + (8 * i)) first;
        set_uint32 buffer (!place + 8 + (8 * i)) behind)
      t.sack
  end

let write t buffer offset =
  let offset = if t.ts_value >= 0 then (write_timestamps t buffer offset; offset + 12) else offset in
  write_others t buffer offset

let read_blocks buffer offset length =
  List.init ((length - 2) / 8) (fun i -> (uint32 buffer (offset + 2 + (8 * i)), uint32 buffer (offset + 6 + (8 * i))))

let read_one t buffer offset ~kind ~length =
  if kind = mss && length = 4 then { t with mss = Cstruct.BE.get_uint16 buffer (offset + 2) }
  else if kind = window_scale && length = 3 then { t with window_scale = Cstruct.get_uint8 buffer (offset + 2) }
  else if kind = sack_permitted && length = 2 then { t with sack_permitted = true }
  else if kind = sack && length >= 10 && length land 7 = 2 then { t with sack = read_blocks buffer offset length }
  else if kind = timestamps && length = 10 then
    { t with ts_value = uint32 buffer (offset + 2); ts_echo = uint32 buffer (offset + 6) }
  else t

let rec read_from t buffer offset behind =
  if offset >= behind then t
  else
    let kind = Cstruct.get_uint8 buffer offset in
    if kind = end_of_list then t
    else if kind = no_operation then read_from t buffer (offset + 1) behind
    else if offset + 2 > behind then t
    else
      let length = Cstruct.get_uint8 buffer (offset + 1) in
      if length < 2 || offset + length > behind then t
      else read_from (read_one t buffer offset ~kind ~length) buffer (offset + length) behind

let read buffer offset length =
  if length = 0 then none
  else if length = 12 && uint32 buffer offset = timestamps_only then
    { none with ts_value = uint32 buffer (offset + 4); ts_echo = uint32 buffer (offset + 8) }
  else read_from none buffer offset (offset + length)
