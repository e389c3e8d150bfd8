open Lwt.Infix
module Key = Mirage_kv.Key

type t =
  | Set of Key.t * string
  | Set_partial of Key.t * int * string
  | Allocate of Key.t * Record.time option * int
  | Remove of Key.t
  | Rename of { source : Key.t; dest : Key.t }

type error = [ Problem.write_error | `Wait ]

let ( let* ) = Device.bind
let check result = Lwt.return (Result.map_error (fun error -> (error : Mirage_kv.write_error :> error)) result)

let check_path key =
  let path = Kv_index.path key in
  let most = Record.longest_path in
  if String.length path > most then Lwt.return_error (`Key_too_long (key, most) :> error) else Lwt.return_ok path

let is_pending { Entry.content; _ } = content = Pending

(* A value of [size] bytes in [parts]. *)
let put layout ~time contents key size parts =
  let* path = check_path key in
  if not (Edit.fits layout path parts) then Lwt.return_error (`No_space :> error)
  else
    let contents = Contents.set layout contents path (Entry.pending ~time size) in
    Lwt.return_ok ([ Edit.Put { path; time; parts } ], contents)

let new_parts text = if text = "" then [] else [ Edit.text text ]

let set layout ~time contents key value =
  let* () = check (Kv_index.may_set contents.Contents.index key) in
  put layout ~time contents key (String.length value) (new_parts value)

let allocate layout ~time contents key given size =
  let* () =
    match Kv_index.exists contents.Contents.index key with
    | Ok None -> Lwt.return_ok ()
    | Ok (Some _) -> Lwt.return_error (`Already_present key :> error)
    | Error error -> Lwt.return_error (error : Mirage_kv.error :> error)
  in
  let time = Option.value given ~default:time in
  if size > Layout.ring_bytes layout then Lwt.return_error (`No_space :> error)
  else put layout ~time contents key size (if size = 0 then [] else [ Edit.zeros size ])

(* The extents before and behind those that a change from [offset] to [stop] touches, and where these begin and end. One
   that is not full is touched by what comes directly behind it. *)
let around layout extents ~size ~offset ~stop =
  let add (start, before, behind, first, last) ({ Record.length; _ } as extent) =
    let next = start + length in
    let is_short = next = size && length < Edit.most_in_chunk layout in
    if next < offset || (next = offset && not is_short) then (next, extent :: before, behind, first, last)
    else if start >= stop then (next, before, extent :: behind, first, last)
    else (next, before, behind, min first start, next)
  in
  let _, before, behind, first, last = Array.fold_left add (0, [], [], offset, offset) extents in
  let kept = List.rev_map (fun extent -> Edit.Kept extent) in
  (kept before, kept behind, first, max last stop)

let set_partial ring ~time contents key offset part =
  let layout = ring.Ring.layout in
  match Kv_index.find contents.Contents.index key with
  | Error (`Not_found _) -> set layout ~time contents key part
  | Error error -> check (Error (error :> Mirage_kv.write_error))
  | Ok entry when is_pending entry -> Lwt.return_error `Wait
  | Ok _ when part = "" -> Lwt.return_ok ([], contents)
  | Ok ({ Entry.size; _ } as entry) ->
      let offset = min offset size in
      let stop = offset + String.length part in
      let before, behind, first, last = around layout (Entry.extents entry) ~size ~offset ~stop in
      let between from until =
        if from >= until then Lwt.return_ok ""
        else
          Reading.between ring key entry from until
          >|= Result.map_error (fun error -> (error : [ `Disk of string | `Damaged of Key.t ] :> error))
      in
      let* left = between first offset in
      let* right = between stop last in
      let parts = before @ new_parts (left ^ part ^ right) @ behind in
      put layout ~time contents key (max size stop) parts

let remove layout contents key =
  match Kv_index.exists contents.Contents.index key with
  | Ok (Some _) ->
      let path = Kv_index.path key in
      Lwt.return_ok ([ Edit.Remove path ], Contents.remove layout contents path)
  | Ok None | Error _ -> Lwt.return_ok ([], contents)

let rename layout contents ~source ~dest =
  let* moved = check (Kv_index.move contents.Contents.index ~source ~dest) in
  if moved = [] then Lwt.return_ok ([], contents)
  else if List.exists (fun (_, _, entry) -> is_pending entry) moved then Lwt.return_error `Wait
  else
    let path = Kv_index.path source in
    let rec put_all edits contents = function
      | [] -> Lwt.return_ok (Edit.Remove path :: edits, contents)
      | (_, dest, entry) :: rest ->
          let parts = List.map (fun extent -> Edit.Kept extent) (Array.to_list (Entry.extents entry)) in
          let* edit, contents = put layout ~time:(Entry.time entry) contents dest entry.Entry.size parts in
          put_all (edit @ edits) contents rest
    in
    put_all [] (Contents.remove layout contents path) moved

let plan ring ~time contents operation =
  let layout = ring.Ring.layout in
  match operation with
  | Set (key, value) -> set layout ~time contents key value
  | Set_partial (key, offset, part) -> set_partial ring ~time contents key offset part
  | Allocate (key, given, size) -> allocate layout ~time contents key given size
  | Remove key -> remove layout contents key
  | Rename { source; dest } -> rename layout contents ~source ~dest
