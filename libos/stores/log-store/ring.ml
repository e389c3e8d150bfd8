open Lwt.Infix

type t = { device : Device.t; layout : Layout.t }

(* The ring goes on at its start. *)
let pieces t position buffer =
  let size = t.layout.sector_size in
  let until_end = (Layout.ring t.layout - (position mod Layout.ring t.layout)) * size in
  if Cstruct.length buffer <= until_end then [ (position, buffer) ]
  else
    let here, there = Cstruct.split buffer until_end in
    [ (position, here); (position + (until_end / size), there) ]

let each t position buffer operate =
  let one (position, piece) = operate (Layout.sector t.layout position) [ piece ] in
  match pieces t position buffer with
  | [ piece ] -> one piece
  | pieces ->
      let first_error result result' = match result with Error _ -> result | Ok () -> result' in
      Lwt_list.map_p one pieces >|= List.fold_left first_error (Ok ())

let read t position buffer = each t position buffer t.device.read
let write t position buffer = each t position buffer t.device.write

let read_extent_unchecked t { Record.address; length; _ } =
  let size = t.layout.sector_size in
  let first = address / size in
  let count = ((address + length + size - 1) / size) - first in
  let buffer = Cstruct.create_unsafe (count * size) in
  read t first buffer >|= Result.map (fun () -> Cstruct.sub buffer (address - (first * size)) length)

let read_extent t extent =
  read_extent_unchecked t extent >|= function
  | Error (`Disk _ as error) -> Error error
  | Ok ({ Cstruct.buffer; off; len } as bytes) ->
      let crc = Checkseum.Crc32c.(digest_bigstring buffer off len default) in
      if Optint.to_unsigned_int crc = extent.crc then Ok bytes else Error `Damaged
