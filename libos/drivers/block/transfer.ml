type segment = { buffer : Platform.Disk.buffer; offset : int; length : int }
type error = [ `Unaligned_buffer of int | `Out_of_range of int64 * int64 ]

let pp_error ppf = function
  | `Unaligned_buffer length -> Fmt.pf ppf "a buffer of %d bytes is not a whole number of sectors" length
  | `Out_of_range (sector, count) -> Fmt.pf ppf "a run of %Ld from sector %Ld leaves the device" count sector

let check { Mirage_block.sector_size; size_sectors; _ } sector buffers =
  match List.find_opt (fun buffer -> Cstruct.length buffer mod sector_size <> 0) buffers with
  | Some buffer -> Error (`Unaligned_buffer (Cstruct.length buffer))
  | None ->
      let count = Int64.of_int (Cstruct.lenv buffers / sector_size) in
      let outside =
        Int64.compare sector 0L < 0
        || Int64.compare sector size_sectors > 0
        || Int64.compare count (Int64.sub size_sectors sector) > 0
      in
      if outside then Error (`Out_of_range (sector, count)) else Ok ()

(* Memory in order, the last first; neighbours are joined. *)
let joined buffers =
  let add segments { Cstruct.buffer; off = offset; len = length } =
    match segments with
    | _ when length = 0 -> segments
    | last :: rest when last.buffer == buffer && last.offset + last.length = offset ->
        { last with length = last.length + length } :: rest
    | segments -> { buffer; offset; length } :: segments
  in
  List.fold_left add [] buffers

let rec cut ~bytes segment rest =
  if segment.length <= bytes then segment :: rest
  else
    let next = { segment with offset = segment.offset + bytes; length = segment.length - bytes } in
    { segment with length = bytes } :: cut ~bytes next rest

let size segments = List.fold_left (fun sum { length; _ } -> sum + length) 0 segments

let requests ~sector_size ~segments ~bytes sector buffers =
  let pieces = List.fold_left (fun rest segment -> cut ~bytes segment rest) [] (joined buffers) in
  (* [request] is being filled, the last piece first. *)
  let rec group sector request count room = function
    | piece :: pieces when count < segments && piece.length <= room ->
        group sector (piece :: request) (count + 1) (room - piece.length) pieces
    | [] when request = [] -> []
    | pieces ->
        (sector, List.rev request) :: group (sector + (size request / sector_size)) [] 0 bytes pieces
  in
  group (Int64.to_int sector) [] 0 bytes pieces
