type error = [ Mirage_block.error | `Unaligned_buffer of int | `Out_of_range of int64 ]

let pp_error ppf = function
  | #Mirage_block.error as error -> Mirage_block.pp_error ppf error
  | `Unaligned_buffer length -> Fmt.pf ppf "a buffer of %d bytes is not a whole number of sectors" length
  | `Out_of_range sector -> Fmt.pf ppf "a run from sector %Ld leaves the device" sector

type write_error = [ error | Mirage_block.write_error ]

let pp_write_error ppf = function
  | #error as error -> pp_error ppf error
  | #Mirage_block.write_error as error -> Mirage_block.pp_write_error ppf error

type t = { info : Mirage_block.info; sectors : (int64, Cstruct.t) Hashtbl.t; mutable connected : bool }

let devices : (string, t) Hashtbl.t = Hashtbl.create 1

let create ~name ~size_sectors ~sector_size =
  if Hashtbl.mem devices name then Lwt.return_error (`Msg (Printf.sprintf "There is a device %S already." name))
  else if Int64.compare size_sectors 0L < 0 || sector_size < 1 then
    Lwt.return_error (`Msg "A device has sectors of at least one byte.")
  else begin
    let info = { Mirage_block.read_write = true; sector_size; size_sectors } in
    let t = { info; sectors = Hashtbl.create 64; connected = true } in
    Hashtbl.replace devices name t;
    Lwt.return_ok t
  end

let connect ~name =
  match Hashtbl.find_opt devices name with
  | Some t ->
      t.connected <- true;
      Lwt.return t
  | None -> (
      let open Lwt.Infix in
      create ~name ~size_sectors:65_536L ~sector_size:512 >>= function
      | Ok t -> Lwt.return t
      | Error (`Msg reason) -> Lwt.fail_with reason )

let destroy ~name = Hashtbl.remove devices name
let get_info t = Lwt.return t.info

let disconnect t =
  t.connected <- false;
  Lwt.return_unit

let check { info = { sector_size; size_sectors; _ }; connected; _ } sector buffers =
  let count = Int64.of_int (Cstruct.lenv buffers / sector_size) in
  match List.find_opt (fun buffer -> Cstruct.length buffer mod sector_size <> 0) buffers with
  | _ when not connected -> Error `Disconnected
  | Some buffer -> Error (`Unaligned_buffer (Cstruct.length buffer))
  | None ->
      let first_wrong = Int64.compare sector 0L < 0 || Int64.compare sector size_sectors > 0 in
      if first_wrong || Int64.compare count (Int64.sub size_sectors sector) > 0 then Error (`Out_of_range sector)
      else Ok ()

(* Does something with each sector of [buffers] and its number. *)
let move t sector buffers with_sector =
  let size = t.info.sector_size in
  let rec next sector buffer =
    if Cstruct.length buffer = 0 then sector
    else begin
      with_sector sector (Cstruct.sub buffer 0 size);
      next (Int64.succ sector) (Cstruct.shift buffer size)
    end
  in
  ignore (List.fold_left next sector buffers)

let read t sector buffers =
  let fill sector buffer =
    match Hashtbl.find_opt t.sectors sector with
    | Some content -> Cstruct.blit content 0 buffer 0 (Cstruct.length buffer)
    | None -> Cstruct.memset buffer 0
  in
  Lwt.return (Result.map (fun () -> move t sector buffers fill) (check t sector buffers))

let write t sector buffers =
  let keep sector buffer =
    let copy = Cstruct.create_unsafe (Cstruct.length buffer) in
    Cstruct.blit buffer 0 copy 0 (Cstruct.length buffer);
    Hashtbl.replace t.sectors sector copy
  in
  Lwt.return (Result.map (fun () -> move t sector buffers keep) (check t sector buffers))

let flush t = if t.connected then Lwt.return_ok () else Lwt.return_error `Disconnected
