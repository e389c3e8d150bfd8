type time = { days : int; ps : int }

let time ptime =
  let days, ps = Ptime.Span.to_d_ps (Ptime.to_span ptime) in
  { days; ps = Int64.to_int ps }

let to_ptime { days; ps } = Option.bind (Ptime.Span.of_d_ps (days, Int64.of_int ps)) Ptime.of_span
let ptime time = Option.value (to_ptime time) ~default:Ptime.epoch

type extent = { address : int; length : int; crc : int }

type t =
  | Value of { path : string; time : time; size : int; crc : int }
  | Chunk of { size : int; crc : int }
  | Extents of { path : string; time : time; extents : extent array }
  | Remove of { path : string }

let longest_path = 1024
let path_size path = 2 + String.length path
let time_size = 4 + 8
let extent_size = 8 + 4 + 4
let value_size path = 1 + path_size path + time_size + 4 + 4
let chunk_size = 1 + 4 + 4
let extents_size path count = 1 + path_size path + time_size + 4 + (count * extent_size)

let size = function
  | Value { path; _ } -> value_size path
  | Chunk _ -> chunk_size
  | Extents { path; extents; _ } -> extents_size path (Array.length extents)
  | Remove { path } -> 1 + path_size path

let data = function Value { size; _ } | Chunk { size; _ } -> size | Extents _ | Remove _ -> 0

(* A buffer and how far one has come in it. *)
type cursor = { buffer : Cstruct.t; mutable at : int }

let step cursor length =
  let at = cursor.at in
  cursor.at <- at + length;
  at

(* Writing *)

let put8 cursor n = Cstruct.set_uint8 cursor.buffer (step cursor 1) n
let put16 cursor n = Cstruct.LE.set_uint16 cursor.buffer (step cursor 2) n
let put32 cursor n = Cstruct.LE.set_uint32 cursor.buffer (step cursor 4) (Int32.of_int n)
let put64 cursor n = Cstruct.LE.set_uint64 cursor.buffer (step cursor 8) (Int64.of_int n)

let put_path cursor path =
  let length = String.length path in
  put16 cursor length;
  Cstruct.blit_from_string path 0 cursor.buffer (step cursor length) length

let put_time cursor { days; ps } =
  put32 cursor days;
  put64 cursor ps

let put_extent cursor { address; length; crc } =
  put64 cursor address;
  put32 cursor length;
  put32 cursor crc

let put cursor = function
  | Value { path; time; size; crc } ->
      put8 cursor 1;
      put_path cursor path;
      put_time cursor time;
      put32 cursor size;
      put32 cursor crc
  | Chunk { size; crc } ->
      put8 cursor 2;
      put32 cursor size;
      put32 cursor crc
  | Extents { path; time; extents } ->
      put8 cursor 3;
      put_path cursor path;
      put_time cursor time;
      put32 cursor (Array.length extents);
      Array.iter (put_extent cursor) extents
  | Remove { path } ->
      put8 cursor 4;
      put_path cursor path

let encode records buffer =
  let cursor = { buffer; at = 0 } in
  List.iter (put cursor) records

(* Reading: Cstruct raises at the end of the buffer. *)

exception Malformed

let get8 cursor = Cstruct.get_uint8 cursor.buffer (step cursor 1)
let get16 cursor = Cstruct.LE.get_uint16 cursor.buffer (step cursor 2)
let get32_signed cursor = Int32.to_int (Cstruct.LE.get_uint32 cursor.buffer (step cursor 4))
let get32 cursor = get32_signed cursor land 0xffff_ffff
let get64 cursor = Int64.to_int (Cstruct.LE.get_uint64 cursor.buffer (step cursor 8))

let get_path cursor =
  let length = get16 cursor in
  if length > longest_path then raise Malformed;
  let path = Cstruct.to_string cursor.buffer ~off:(step cursor length) ~len:length in
  if path <> "" && path.[0] <> '/' then raise Malformed;
  path

let get_value_path cursor =
  let path = get_path cursor in
  if path = "" then raise Malformed;
  path

let get_time cursor =
  let days = get32_signed cursor in
  let ps = get64 cursor in
  let time = { days; ps } in
  if to_ptime time = None then raise Malformed;
  time

let get_extent cursor =
  let address = get64 cursor in
  let length = get32 cursor in
  let crc = get32 cursor in
  { address; length; crc }

let get cursor =
  match get8 cursor with
  | 1 ->
      let path = get_value_path cursor in
      let time = get_time cursor in
      let size = get32 cursor in
      let crc = get32 cursor in
      Value { path; time; size; crc }
  | 2 ->
      let size = get32 cursor in
      let crc = get32 cursor in
      Chunk { size; crc }
  | 3 ->
      let path = get_value_path cursor in
      let time = get_time cursor in
      let count = get32 cursor in
      if count > Cstruct.length cursor.buffer / extent_size then raise Malformed;
      let extents = Array.make count { address = 0; length = 0; crc = 0 } in
      Array.iteri (fun i _ -> extents.(i) <- get_extent cursor) extents;
      Extents { path; time; extents }
  | 4 -> Remove { path = get_path cursor }
  | _ -> raise Malformed

let decode buffer =
  let cursor = { buffer; at = 0 } in
  let rec all records =
    if cursor.at = Cstruct.length buffer then List.rev records else all (get cursor :: records)
  in
  match all [] with records -> Some records | exception (Malformed | Invalid_argument _) -> None
