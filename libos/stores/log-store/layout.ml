type t = { sector_size : int; sectors : int; frame_sectors : int }

let superblocks = 2
let least_ring = 512
let least_sectors = superblocks + least_ring
let least_sector_size = 512
let most_sector_size = 4096

(* A frame is what is kept in memory of the log, and what a part of it is moved by. *)
let least_frame_sectors = 16
let most_frame_bytes = 65_536
let parts = 32
let ring t = t.sectors - superblocks

let make ~sector_size ~sectors =
  let wanted = min ((sectors - superblocks) / parts) (most_frame_bytes / sector_size) in
  { sector_size; sectors; frame_sectors = max least_frame_sectors wanted }

let is_sound t =
  t.sector_size >= least_sector_size
  && t.sector_size <= most_sector_size
  && t.sectors >= least_sectors
  && t = make ~sector_size:t.sector_size ~sectors:t.sectors

let ring_bytes t = ring t * t.sector_size
let frame_bytes t = t.frame_sectors * t.sector_size
let sector t position = superblocks + (position mod ring t)
let sectors_of t bytes = (bytes + t.sector_size - 1) / t.sector_size
let milestone t = ring t / parts
let last_position = 1 lsl 44
