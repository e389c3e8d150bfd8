open Lwt.Infix

type error = Problem.connect_error

let ( let* ) = Device.bind
let disk promise = promise >|= Result.map_error (fun (`Disk _ as error) -> (error :> error))
let fail error = Lwt.return_error (error :> error)
let blank_bytes = 1 lsl 20

let read (device : Device.t) sector count =
  let buffer = Cstruct.create_unsafe (count * device.sector_size) in
  let* () = disk (device.read sector [ buffer ]) in
  Lwt.return_ok buffer

(* Whether there is nothing from [sector] on. *)
let rec is_blank (device : Device.t) ~zeros sector =
  let count = min (device.sectors - sector) (blank_bytes / device.sector_size) in
  if count = 0 then Lwt.return_ok true
  else
    let* buffer = read device sector count in
    if Cstruct.equal buffer (Cstruct.sub zeros 0 (Cstruct.length buffer)) then is_blank device ~zeros (sector + count)
    else Lwt.return_ok false

(* The second superblock is written first: while there is no whole one, the first is zero. *)
let is_empty (device : Device.t) layout =
  let* first = read device 0 1 in
  let* second = read device 1 1 in
  if Cstruct.for_all (( = ) '\000') first && Superblock.could_be_torn layout second then
    is_blank device ~zeros:(Cstruct.create blank_bytes) Layout.superblocks
  else Lwt.return_ok false

let number now =
  let { Record.days; ps } = Record.time now in
  (days * 86_400_000_000_000) + (ps / 1000)

let format (device : Device.t) layout ~now =
  let superblock = { Superblock.layout; store = number now; generation = 1; tail = 0; head = 0; chain = 0; epoch = 0 } in
  let write copy = disk (device.write copy [ Superblock.encode superblock ]) in
  let* () = write 1 in
  let* () = disk (device.flush ()) in
  let* () = write 0 in
  let* () = disk (device.flush ()) in
  Lwt.return_ok superblock

let replay (device : Device.t) ({ Superblock.layout; head; _ } as superblock) ~copy =
  if layout.sector_size <> device.sector_size || layout.sectors > device.sectors then
    fail (`Wrong_size (layout.sector_size, layout.sectors))
  else
    let log = Log.make { Ring.device; layout } superblock ~copy in
    let* contents = Recovery.replay log ~head >|= Result.map_error (fun error -> (error : Recovery.error :> error)) in
    Lwt.return_ok (log, contents)

let connect ~now (device : Device.t) =
  let { Device.sector_size; sectors; read_write; _ } = device in
  if sector_size < Layout.least_sector_size || sector_size > Layout.most_sector_size || sectors < Layout.least_sectors
  then fail (`Too_small (Layout.least_sectors * max sector_size Layout.least_sector_size))
  else
    let* first = read device 0 1 in
    let* second = read device 1 1 in
    match (Superblock.decode first, Superblock.decode second) with
    | Ok first, Ok second when first.generation > second.generation -> replay device first ~copy:0
    | _, Ok second -> replay device second ~copy:1
    | Ok first, Error _ -> replay device first ~copy:0
    | Error (`Version version), Error _ | Error _, Error (`Version version) -> fail (`Version version)
    | Error `None, Error `None ->
        let layout = Layout.make ~sector_size ~sectors in
        let* is_empty = is_empty device layout in
        if not is_empty then fail `Unknown_content
        else if not read_write then fail `Read_only
        else
          let* superblock = format device layout ~now in
          replay device superblock ~copy:0
