type t = {
  log : Log.t;
  first : int;
  mutable position : int;  (** Of the frame that is being filled. *)
  mutable chain : int;
  mutable data : int;
  mutable records : Record.t list;  (** The last first. *)
  mutable records_size : int;
  mutable milestones : (int * int) list;  (** The last first. *)
}

let ( let* ) = Device.bind

let start (log : Log.t) =
  {
    log;
    first = log.head;
    position = log.head;
    chain = log.chain;
    data = 0;
    records = [];
    records_size = 0;
    milestones = [];
  }

let layout t = t.log.ring.layout
let used t = Frame.header_size + t.data + t.records_size

let note_milestone t =
  let last = match t.milestones with (last, _) :: _ -> last | [] -> t.log.last_milestone in
  if Log.is_milestone t.log ~last t.position then t.milestones <- (t.position, t.chain) :: t.milestones

let write_frame t ~last =
  let layout = layout t in
  let sectors = Layout.sectors_of layout (used t) in
  let frame = Cstruct.sub t.log.frame 0 (sectors * layout.sector_size) in
  Record.encode (List.rev t.records) (Cstruct.shift frame (Frame.header_size + t.data));
  Cstruct.memset (Cstruct.shift frame (used t)) 0;
  let { position; first; chain; data; records_size = records; log = { epoch; _ }; _ } = t in
  let sum = Frame.seal ~store:t.log.store { position; sectors; first; last; epoch; chain; data; records } frame in
  let* () = Ring.write t.log.ring position frame in
  t.position <- position + sectors;
  t.chain <- sum;
  t.data <- 0;
  t.records <- [];
  t.records_size <- 0;
  note_milestone t;
  Lwt.return_ok ()

let make_room t bytes =
  if used t + bytes <= Layout.frame_bytes (layout t) then Lwt.return_ok () else write_frame t ~last:false

let add t record =
  t.records <- record :: t.records;
  t.records_size <- t.records_size + Record.size record;
  t.data <- t.data + Record.data record

(* Bytes among the frame's data, where there is room for them; the record that says so has to follow. *)
let fill t ~length ~offset ~crc fill =
  let at = Frame.header_size + t.data in
  let ({ Cstruct.buffer; off; len } as bytes) = Cstruct.sub t.log.frame at length in
  let* () = fill ~offset bytes in
  let sum () = Optint.to_unsigned_int Checkseum.Crc32c.(digest_bigstring buffer off len default) in
  let crc = match crc with Some crc -> crc | None -> sum () in
  Lwt.return_ok { Record.address = (t.position * (layout t).sector_size) + at; length; crc }

let rec chunks t ~from ~length ~crc bytes extents =
  if from = length then Lwt.return_ok extents
  else
    let size = min (length - from) (Edit.most_in_chunk (layout t)) in
    let* () = make_room t (size + Record.chunk_size) in
    let crc = if size = length then crc else None in
    let* extent = fill t ~length:size ~offset:from ~crc bytes in
    add t (Chunk { size; crc = extent.crc });
    chunks t ~from:(from + size) ~length ~crc bytes (extent :: extents)

let rec all_extents t extents = function
  | [] -> Lwt.return_ok (Array.of_list (List.rev extents))
  | Edit.Kept extent :: parts -> all_extents t (extent :: extents) parts
  | New { length; crc; fill } :: parts ->
      let* extents = chunks t ~from:0 ~length ~crc fill extents in
      all_extents t extents parts

let put t ~path ~time parts =
  let inline length = length <= Edit.most_inline (layout t) path in
  let whole length ~crc bytes =
    let* () = make_room t (length + Record.value_size path) in
    let* extent = fill t ~length ~offset:0 ~crc bytes in
    add t (Value { path; time; size = length; crc = extent.crc });
    Lwt.return_ok (Entry.make ~time ~position:t.position (if length = 0 then [||] else [| extent |]))
  in
  match parts with
  | [] -> whole 0 ~crc:None (fun ~offset:_ _ -> Lwt.return_ok ())
  | [ Edit.New { length; crc; fill } ] when inline length -> whole length ~crc fill
  | parts ->
      let* extents = all_extents t [] parts in
      let record = Record.Extents { path; time; extents } in
      let* () = make_room t (Record.size record) in
      add t record;
      Lwt.return_ok (Entry.make ~time ~position:t.position extents)

let remove t path =
  let record = Record.Remove { path } in
  let* () = make_room t (Record.size record) in
  add t record;
  Lwt.return_ok ()

let commit t =
  let* () = write_frame t ~last:true in
  let* () = t.log.ring.device.flush () in
  Log.append t.log ~position:t.position ~chain:t.chain ~milestones:(List.rev t.milestones);
  Lwt.return_ok ()
