open Lwt.Infix

type error = [ Device.error | `Damaged of string ]

(* A frame that was read, with its checksum, and where its data are. *)
type frame = { header : Frame.t; sum : int; records : (Record.t * Record.extent) list }

(* A transaction whose frames have been read, the last first, and what came before it. *)
type transaction = { start : int; chain_before : int; frames : frame list; complete : bool }

let ( let* ) = Device.bind
let disk promise = promise >|= Result.map_error (fun (`Disk _ as error) -> error)
let damaged format = Printf.ksprintf (fun reason -> Lwt.return_error (`Damaged reason)) format

(* Frames *)

(* Each record's own bytes among the data. *)
let with_data header ~sector_size records =
  let place address record =
    let length = Record.data record in
    let crc = match record with Record.Value { crc; _ } | Chunk { crc; _ } -> crc | Extents _ | Remove _ -> 0 in
    (address + length, (record, { Record.address; length; crc }))
  in
  let start = (header.Frame.position * sector_size) + Frame.header_size in
  let stop, placed = List.fold_left_map place start records in
  if stop - start = header.data then Some placed else None

(* The frame at a position: [`None] if there is none, [`Damaged] if its checksum is right and yet it makes no sense. *)
let read_frame (log : Log.t) window position =
  let layout = log.ring.layout in
  let* sectors = disk (Window.view window position layout.frame_sectors) in
  if Cstruct.length sectors < layout.sector_size then Lwt.return_ok None
  else
    match Frame.unseal ~store:log.store layout ~position sectors with
    | Some header when header.sectors * layout.sector_size <= Cstruct.length sectors -> (
        let records = Cstruct.sub sectors (Frame.header_size + header.data) header.records in
        match Frame.checksum ~header:sectors ~records with
        | None -> Lwt.return_ok None
        | Some sum -> (
            let placed = Option.bind (Record.decode records) (with_data header ~sector_size:layout.sector_size) in
            match placed with
            | Some records -> Lwt.return_ok (Some { header; sum; records })
            | None -> damaged "the frame at %d has a good checksum, and records that make no sense" position ) )
    | Some _ | None -> Lwt.return_ok None

(* Applying *)

let apply gathering { header; records; _ } =
  let set path time extents = Gathering.set gathering path (Entry.make ~time ~position:header.Frame.position extents) in
  let one = function
    | Record.Value { path; time; size; _ }, extent -> set path time (if size = 0 then [||] else [| extent |])
    | Extents { path; time; extents }, _ -> set path time extents
    | Remove { path }, _ -> Gathering.remove gathering path
    | Chunk _, _ -> ()
  in
  List.iter one records

let apply_all gathering { frames; _ } = List.iter (apply gathering) (List.rev frames)

(* The last transaction may not have been flushed: its data count as much as its frames. *)
let rec data_are_whole ring = function
  | [] -> Lwt.return_ok true
  | (_, { Record.length = 0; _ }) :: rest -> data_are_whole ring rest
  | (_, extent) :: rest -> (
      Ring.read_extent ring extent >>= function
      | Ok _ -> data_are_whole ring rest
      | Error `Damaged -> Lwt.return_ok false
      | Error (`Disk _ as error) -> Lwt.return_error error )

(* Walking *)

type walk = {
  gathering : Gathering.t;  (** From all transactions but the last. *)
  last : transaction option;
  position : int;
  chain : int;
  milestones : (int * int) list;  (** The last first. *)
}

let continues (log : Log.t) walk ~head { header; _ } =
  (* What is behind [head], and of another epoch, was given up. *)
  (header.Frame.position < head || header.epoch = log.epoch)
  && header.chain = walk.chain
  &&
  let is_first = header.Frame.first = header.position in
  match walk.last with
  (* The tail may be inside a transaction, but then all of that counts. *)
  | None -> true
  | Some { complete = true; _ } -> is_first
  | Some { complete = false; start; _ } -> header.first = start

let add (log : Log.t) walk ({ header; sum; _ } as frame) =
  let complete = header.Frame.last in
  let last =
    match walk.last with
    | Some ({ complete = false; _ } as last) -> { last with frames = frame :: last.frames; complete }
    | last ->
        (* A transaction is begun when the one before is on the medium. *)
        Option.iter (apply_all walk.gathering) last;
        { start = header.first; chain_before = walk.chain; frames = [ frame ]; complete }
  in
  let position = header.position + header.sectors in
  let last_milestone = match walk.milestones with (last, _) :: _ -> last | [] -> log.tail in
  let milestones =
    if Log.is_milestone log ~last:last_milestone position then (position, sum) :: walk.milestones else walk.milestones
  in
  { walk with last = Some last; position; chain = sum; milestones }

let rec walk_on log window walk ~head =
  let* found = read_frame log window walk.position in
  match found with
  | Some frame when continues log walk ~head frame -> walk_on log window (add log walk frame) ~head
  | Some _ | None -> Lwt.return_ok walk

(* Whether a transaction was begun behind [position], where none can be read: then there was one, and was on the medium. *)
let goes_on (log : Log.t) window position =
  let until = log.tail + Layout.ring log.ring.layout in
  let rec look at ~last =
    if at > last || at >= until then Lwt.return_ok false
    else
      let* found = read_frame log window at in
      match found with
      | Some { header; _ } when header.first > position && header.epoch = log.epoch -> Lwt.return_ok true
      | Some { header; _ } ->
          let behind = at + header.sectors in
          look behind ~last:(behind + log.ring.layout.frame_sectors)
      | None -> look (at + 1) ~last
  in
  look (position + 1) ~last:(position + log.ring.layout.frame_sectors)

(* Checking *)

let check_entries (log : Log.t) contents =
  let size = log.ring.layout.sector_size in
  let first = log.tail * size and stop = log.head * size and longest = Layout.frame_bytes log.ring.layout in
  let is_there { Record.address; length; _ } =
    first <= address && 0 < length && length <= longest && address <= stop - length
  in
  let check path entry result =
    if Array.for_all is_there (Entry.extents entry) then result
    else Error (`Damaged (Printf.sprintf "the value of %S is not in the log" path))
  in
  Lwt.return (Kv_index.fold check contents.Contents.index (Ok ()))

let finish (log : Log.t) walk ~head =
  let accept ~position ~chain =
    let milestones = List.filter (fun (milestone, _) -> milestone <= position) walk.milestones in
    if position < head then damaged "the log ends at %d, and has been at %d" position head
    else begin
      Log.append log ~position ~chain ~milestones:(List.rev milestones);
      let contents = Gathering.contents log.ring.layout walk.gathering in
      let* () = check_entries log contents in
      Lwt.return_ok contents
    end
  in
  match walk.last with
  | None -> accept ~position:walk.position ~chain:walk.chain
  | Some ({ complete; start; chain_before; frames } as last) ->
      let* is_whole =
        if not complete then Lwt.return_ok false
        else if walk.position <= head then Lwt.return_ok true
        else data_are_whole log.ring (List.concat_map (fun frame -> frame.records) frames)
      in
      if is_whole then begin
        apply_all walk.gathering last;
        accept ~position:walk.position ~chain:walk.chain
      end
      else accept ~position:start ~chain:chain_before

let replay (log : Log.t) ~head =
  let window = Window.make log.ring ~until:(log.tail + Layout.ring log.ring.layout) in
  let start = { gathering = Gathering.create (); last = None; position = log.tail; chain = log.chain; milestones = [] } in
  let* walk = walk_on log window start ~head in
  let* goes_on = goes_on log window walk.position in
  if goes_on then damaged "the frame at %d cannot be read, and there are some behind it" walk.position
  else finish log walk ~head
