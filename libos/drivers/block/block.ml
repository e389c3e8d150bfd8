open Lwt.Infix
module Disk = Platform.Disk

type error = [ Mirage_block.error | Transfer.error | `Failed of int64 ]

let pp_error ppf = function
  | #Mirage_block.error as error -> Mirage_block.pp_error ppf error
  | #Transfer.error as error -> Transfer.pp_error ppf error
  | `Failed sector -> Fmt.pf ppf "the disk failed at sector %Ld or behind it" sector

type write_error = [ error | Mirage_block.write_error ]

let pp_write_error ppf = function
  | #error as error -> pp_error ppf error
  | #Mirage_block.write_error as error -> Mirage_block.pp_write_error ppf error

(* A request holds on to its memory until the disk is done with it. *)
type request = {
  kind : Disk.kind;
  sector : int;
  segments : Transfer.segment list;
  resolver : (unit, int64) result Lwt.u;
}

type t = {
  place : Disk.place;
  disk : Disk.info;
  info : Mirage_block.info;
  mutable connected : bool;
  mutable room : int;
  mutable watched : bool;
  waiting : request Queue.t;  (** For room. *)
  submitted : request option array;  (** By number. *)
  idle : unit Lwt_condition.t;
}

(* More at a time gains nothing, and the disk's answers would be late for others. *)
let request_bytes = 1 lsl 22

let room_of { segments; _ } = 2 + List.length segments

let submit t ({ kind; sector; segments; _ } as request) =
  t.room <- t.room - room_of request;
  Disk.start t.place kind sector;
  List.iter (fun { Transfer.buffer; offset; length } -> Disk.add t.place buffer offset length) segments;
  t.submitted.(Disk.submit t.place) <- Some request

let rec submit_waiting t =
  match Queue.peek_opt t.waiting with
  | Some request when room_of request <= t.room ->
      submit t (Queue.pop t.waiting);
      submit_waiting t
  | Some _ | None -> ()

let is_idle t = t.room = t.disk.room

(* The requests that are complete; all have their room back before anybody hears of it, and may ask for more. *)
let rec completed t =
  match Disk.complete t.place with
  | -1 -> []
  | answer -> (
      let number = answer lsr 1 in
      match t.submitted.(number) with
      | None -> completed t
      | Some request ->
          t.submitted.(number) <- None;
          t.room <- t.room + room_of request;
          let result = if answer land 1 = 0 then Ok () else Error (Int64.of_int request.sector) in
          (request.resolver, result) :: completed t)

let rec watch t =
  Unikernel_os.Event.wait (Platform.device t.place) >>= fun () ->
  let answers = completed t in
  submit_waiting t;
  List.iter (fun (resolver, result) -> Lwt.wakeup_later resolver result) answers;
  if is_idle t then begin
    t.watched <- false;
    Lwt_condition.broadcast t.idle ();
    Lwt.return_unit
  end
  else watch t

let request t kind sector segments =
  let promise, resolver = Lwt.wait () in
  Queue.push { kind; sector; segments; resolver } t.waiting;
  submit_waiting t;
  if not t.watched then begin
    t.watched <- true;
    Lwt.async (fun () -> watch t)
  end;
  promise

let first_error results = List.fold_left (fun so_far result -> if so_far = Ok () then result else so_far) (Ok ()) results

let transfer t kind sector buffers =
  let requests =
    Transfer.requests ~sector_size:t.info.sector_size ~segments:t.disk.segments ~bytes:(min request_bytes t.disk.bytes) sector buffers
  in
  match requests with
  | [] -> Lwt.return_ok ()
  | [ (sector, segments) ] -> request t kind sector segments
  | requests -> Lwt.all (List.map (fun (sector, segments) -> request t kind sector segments) requests) >|= first_error

let failed = function Ok () -> Ok () | Error sector -> Error (`Failed sector)

let read t sector buffers =
  if not t.connected then Lwt.return_error `Disconnected
  else
    match Transfer.check t.info sector buffers with
    | Error error -> Lwt.return_error error
    | Ok () -> transfer t Disk.Read sector buffers >|= failed

let write t sector buffers =
  if not t.connected then Lwt.return_error `Disconnected
  else if not t.info.read_write then Lwt.return_error `Is_read_only
  else
    match Transfer.check t.info sector buffers with
    | Error error -> Lwt.return_error error
    | Ok () -> transfer t Disk.Write sector buffers >|= failed

let flush t =
  if not t.connected then Lwt.return_error `Disconnected
  else if t.info.read_write && t.disk.flushes then request t Disk.Flush 0 [] >|= failed
  else Lwt.return_ok ()

let get_info t = Lwt.return t.info

let disconnect t =
  t.connected <- false;
  if t.watched then Lwt_condition.wait t.idle else Lwt.return_unit

let devices : (Disk.place, t) Hashtbl.t = Hashtbl.create 1

let start place name =
  let disk = Disk.connect place name in
  let { Disk.read_write; sector_size; sectors; room; _ } = disk in
  let info = { Mirage_block.read_write; sector_size; size_sectors = Int64.of_int sectors } in
  let submitted = Array.make room None in
  let waiting = Queue.create () and idle = Lwt_condition.create () in
  { place; disk; info; connected = true; room; watched = false; waiting; submitted; idle }

let connect ~place name =
  match Hashtbl.find_opt devices place with
  | Some t ->
      t.connected <- true;
      Lwt.return t
  | None -> (
      match start place name with
      | t ->
          Hashtbl.replace devices place t;
          Lwt.return t
      | exception Failure reason -> Lwt.fail_with (Printf.sprintf "The block device %S cannot be used: %s." name reason))
