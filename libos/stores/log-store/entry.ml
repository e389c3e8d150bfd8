type content = Pending | Whole of { address : int; crc : int } | Parts of Record.extent array
type t = { size : int; days : int; ps : int; position : int; content : content }

let make ~time:{ Record.days; ps } ~position extents =
  let size = Array.fold_left (fun sum { Record.length; _ } -> sum + length) 0 extents in
  let content =
    match extents with [| { Record.address; crc; _ } |] -> Whole { address; crc } | extents -> Parts extents
  in
  { size; days; ps; position; content }

let pending ~time:{ Record.days; ps } size = { size; days; ps; position = 0; content = Pending }
let time { days; ps; _ } = { Record.days; ps }

let extents { size; content; _ } =
  match content with
  | Pending -> [||]
  | Whole { address; crc } -> [| { Record.address; length = size; crc } |]
  | Parts extents -> extents

let is_before position ~sector_size t =
  let address_limit = position * sector_size in
  t.position < position
  ||
  match t.content with
  | Pending -> false
  | Whole { address; _ } -> address < address_limit
  | Parts extents -> Array.exists (fun { Record.address; _ } -> address < address_limit) extents
