(* One key for each sector is as many as a store of tiny values has to keep in memory. *)
let least_cost = 512

let most_keys = 32_768

let cost layout ~path ~size =
  let chunks = 1 + (size / Edit.most_in_chunk layout) in
  let bytes = Record.extents_size path chunks + (chunks * Record.chunk_size) + size in
  (* Frames are half full at least, and have a header and less than a sector of padding. *)
  let waste = 2 * bytes * (Frame.header_size + layout.sector_size) / Layout.frame_bytes layout in
  max least_cost (bytes + waste)

let capacity layout = Layout.ring_bytes layout / 4 * 3
let reserve layout = Layout.ring layout / 8

let allows layout ~before ~after ~sectors =
  let limit = (Layout.ring layout - reserve layout) * layout.sector_size in
  (after <= capacity layout || after <= before) && before + (sectors * layout.sector_size) <= limit
