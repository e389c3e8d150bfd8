type t = { ring : Ring.t; until : int; buffer : Cstruct.t; mutable start : int; mutable stop : int }

let window_bytes = 1 lsl 18

let make (ring : Ring.t) ~until =
  let { Layout.sector_size; frame_sectors; _ } = ring.layout in
  (* An extent is in a frame, and may begin and end inside sectors. *)
  let sectors = max frame_sectors (min (window_bytes / sector_size) (Layout.ring ring.layout)) in
  { ring; until; buffer = Cstruct.create_unsafe (sectors * sector_size); start = 0; stop = 0 }

let part t position stop =
  let size = t.ring.layout.sector_size in
  Cstruct.sub t.buffer ((position - t.start) * size) ((stop - position) * size)

let view t position count =
  let stop = min (position + count) t.until in
  if t.start <= position && stop <= t.stop then Lwt.return_ok (part t position stop)
  else begin
    let size = t.ring.layout.sector_size in
    t.start <- position;
    (* Nothing is here until it has been read. *)
    t.stop <- position;
    let loaded = min t.until (position + (Cstruct.length t.buffer / size)) in
    Device.bind
      (Ring.read t.ring position (Cstruct.sub t.buffer 0 ((loaded - position) * size)))
      (fun () ->
        t.stop <- loaded;
        Lwt.return_ok (part t position stop))
  end

let view_extent t { Record.address; length; _ } =
  let size = t.ring.layout.sector_size in
  let first = address / size in
  let count = ((address + length + size - 1) / size) - first in
  Device.bind (view t first count) (fun sectors -> Lwt.return_ok (Cstruct.sub sectors (address - (first * size)) length))
