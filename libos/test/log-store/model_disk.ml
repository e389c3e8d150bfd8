open Lwt.Infix

type error = [ Mirage_block.error | `Failed ]

let pp_error ppf = function
  | #Mirage_block.error as error -> Mirage_block.pp_error ppf error
  | `Failed -> Fmt.string ppf "it failed"

type write_error = [ error | Mirage_block.write_error ]

let pp_write_error ppf = function
  | #error as error -> pp_error ppf error
  | #Mirage_block.write_error as error -> Mirage_block.pp_write_error ppf error

type version = { content : string; mutable written : bool  (** The write was resolved. *) }

type t = {
  info : Mirage_block.info;
  medium : Bytes.t;
  versions : (int, version list) Hashtbl.t;  (** Not flushed yet, by sector, the last first. *)
  mutable power : int option;  (** How many operations are left. *)
  mutable heads : (int * int) option;  (** How many writes to the first sectors are left, and what then. *)
  mutable failing : int option;
  mutable slow : Random.State.t option;
  mutable operations : int;
  bad : (int, unit) Hashtbl.t;
}

let of_medium info medium =
  {
    info;
    medium;
    versions = Hashtbl.create 64;
    power = None;
    heads = None;
    failing = None;
    slow = None;
    operations = 0;
    bad = Hashtbl.create 1;
  }

let create ?(sector_size = 512) sectors =
  let info = { Mirage_block.read_write = true; sector_size; size_sectors = Int64.of_int sectors } in
  of_medium info (Bytes.make (sectors * sector_size) '\000')

let copy t = of_medium t.info (Bytes.copy t.medium)
let cut_after t n = t.power <- Some n
let cut_at_head t n m = t.heads <- Some (n, m)
let slow_reads t random = t.slow <- Some random
let cut t = t.power <- Some (-1)
let is_cut t = match t.power with Some n -> n < 0 | None -> false
let fail_at t n = t.failing <- Some n
let operations t = t.operations
let get_info t = Lwt.return t.info
let disconnect _ = Lwt.return_unit
let size t = Bytes.length t.medium
let get t offset = Bytes.get t.medium offset
let set t offset byte = Bytes.set t.medium offset byte
let read_fails t sector = Hashtbl.replace t.bad sector ()
let sector_size t = t.info.sector_size

let content t sector =
  match Hashtbl.find_opt t.versions sector with
  | Some (last :: _) -> last.content
  | Some [] | None -> Bytes.sub_string t.medium (sector * sector_size t) (sector_size t)

let put t sector content = Bytes.blit_string content 0 t.medium (sector * sector_size t) (sector_size t)

(* Never answered. *)
let dead () = fst (Lwt.wait ())

let sectors t sector buffers =
  let all = Cstruct.concat buffers in
  let size = sector_size t in
  let count = Cstruct.length all / size in
  if Cstruct.length all mod size <> 0 || sector < 0 || sector + count > Int64.to_int t.info.size_sectors then
    failwith "the store asked for what is not there";
  List.init count (fun i -> (sector + i, Cstruct.sub all (i * size) size))

let read t sector buffers =
  let sector = Int64.to_int sector in
  let wanted = sectors t sector buffers in
  let rec wait n = if n = 0 then Lwt.return_unit else Lwt.pause () >>= fun () -> wait (n - 1) in
  let slow random = if Random.State.int random 20 = 0 then Random.State.int random 300 else 0 in
  wait (1 + Option.fold ~none:0 ~some:slow t.slow) >>= fun () ->
  if is_cut t then dead ()
  else if List.exists (fun (sector, _) -> Hashtbl.mem t.bad sector) wanted then Lwt.return_error `Failed
  else begin
    let all = String.concat "" (List.map (fun (sector, _) -> content t sector) wanted) in
    let fill at buffer =
      Cstruct.blit_from_string all at buffer 0 (Cstruct.length buffer);
      at + Cstruct.length buffer
    in
    ignore (List.fold_left fill 0 buffers);
    Lwt.return_ok ()
  end

(* What happens to the operation that is being asked for. *)
let fate t =
  t.operations <- t.operations + 1;
  let next = Option.map (fun n -> n - 1) in
  t.failing <- next t.failing;
  if is_cut t then `Dead
  else begin
    t.power <- next t.power;
    if is_cut t then `Cut else if t.failing = Some (-1) then `Fails else `Done
  end

let write t sector buffers =
  if sector < 2L then begin
    match t.heads with
    | Some (0, m) ->
        t.heads <- None;
        cut_after t m
    | Some (n, m) -> t.heads <- Some (n - 1, m)
    | None -> ()
  end;
  let fate = fate t in
  if fate = `Dead then dead ()
  else begin
    let keep (sector, buffer) =
      let version = { content = Cstruct.to_string buffer; written = false } in
      let before = Option.value (Hashtbl.find_opt t.versions sector) ~default:[] in
      Hashtbl.replace t.versions sector (version :: before);
      version
    in
    let versions = List.map keep (sectors t (Int64.to_int sector) buffers) in
    Lwt.pause () >>= fun () ->
    if is_cut t then dead ()
    else begin
      List.iter (fun version -> version.written <- true) versions;
      if fate = `Fails then Lwt.return_error `Failed else Lwt.return_ok ()
    end
  end

let flush t =
  let fate = fate t in
  (* What is to be on the medium: what was written before. *)
  let last_written sector versions found =
    match List.find_opt (fun version -> version.written) versions with
    | Some version -> (sector, version) :: found
    | None -> found
  in
  let flushed = Hashtbl.fold last_written t.versions [] in
  Lwt.pause () >>= fun () ->
  if is_cut t then dead ()
  else if fate = `Fails then Lwt.return_error `Failed
  else begin
    let keep (sector, version) =
      put t sector version.content;
      let rec later = function
        | [] -> []
        | first :: _ when first == version -> []
        | first :: rest -> first :: later rest
      in
      match later (Hashtbl.find t.versions sector) with
      | [] -> Hashtbl.remove t.versions sector
      | versions -> Hashtbl.replace t.versions sector versions
    in
    List.iter keep flushed;
    Lwt.return_ok ()
  end

let open_versions t =
  let all = Hashtbl.fold (fun sector versions all -> (sector, List.rev versions) :: all) t.versions [] in
  List.sort (fun (sector, _) (sector', _) -> Int.compare sector sector') all

let open_sectors t = List.map fst (open_versions t)
let last versions = List.nth versions (List.length versions - 1)

let restart_with t choose =
  let after = copy t in
  let arrive (sector, versions) =
    match choose sector with
    | `Lost -> ()
    | `First -> put after sector (List.hd versions).content
    | `Last -> put after sector (last versions).content
  in
  List.iter arrive (open_versions t);
  after

(* Which of its versions a sector has afterwards, the medium's first: any, for each by itself; or the last of some, and the
   first of all others, as suits an error of order best. *)
let survivors t random =
  let int n = Random.State.int random n in
  let any _ versions = List.nth versions (int (List.length versions)) in
  let first = List.hd in
  let bound = match open_sectors t with [] -> 0 | sectors -> List.nth sectors (int (List.length sectors)) in
  match int 8 with
  | 0 -> fun sector -> if sector < 2 then first else last
  | 1 -> fun sector -> if sector < 2 then last else first
  | 2 -> fun sector -> if sector < bound then first else last
  | 3 -> fun sector -> if sector < bound then last else first
  | _ -> any

let restart t random =
  let after = copy t in
  let survivor = survivors t random in
  (* Of so many sectors one is torn: none, some, all. *)
  let torn_of = [| max_int; max_int; 8; 1 |].(Random.State.int random 4) in
  let survive sector versions =
    let medium = Bytes.sub_string t.medium (sector * sector_size t) (sector_size t) in
    let versions = medium :: List.map (fun { content; _ } -> content) versions in
    let whole = survivor sector versions in
    let torn () =
      let other = List.nth versions (Random.State.int random (List.length versions)) in
      let at = Random.State.int random (sector_size t) in
      String.sub whole 0 at ^ String.sub other at (sector_size t - at)
    in
    let content = if torn_of < max_int && Random.State.int random torn_of = 0 then torn () else whole in
    put after sector content
  in
  List.iter (fun (sector, versions) -> survive sector versions) (open_versions t);
  after
