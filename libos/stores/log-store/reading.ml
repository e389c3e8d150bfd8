open Lwt.Infix

(* How many parts are read at a time, which is what memory it takes. *)
let at_once = 8

(* Each part that is wanted, with where it begins in the value. *)
let wanted entry from until =
  let add (start, found) extent =
    let stop = start + extent.Record.length in
    (stop, if start < until && from < stop then (start, extent) :: found else found)
  in
  List.rev (snd (Array.fold_left add (0, []) (Entry.extents entry)))

let rec split n = function
  | rest when n = 0 -> ([], rest)
  | [] -> ([], [])
  | first :: rest ->
      let firsts, rest = split (n - 1) rest in
      (first :: firsts, rest)

let between ring key entry from until =
  let value = Bytes.create (until - from) in
  let read_one (start, extent) =
    Ring.read_extent ring extent >|= function
    | Ok bytes ->
        let first = max start from and stop = min (start + extent.Record.length) until in
        Ok (Cstruct.blit_to_bytes bytes (first - start) value (first - from) (stop - first))
    | Error `Damaged -> Error (`Damaged key)
    | Error (`Disk _ as error) -> Error error
  in
  let rec read = function
    | [] -> Lwt.return_ok (Bytes.unsafe_to_string value)
    | parts ->
        let now, later = split at_once parts in
        Lwt_list.map_p read_one now >>= fun results ->
        ( match List.find_opt Result.is_error results with
        | Some (Error _ as error) -> Lwt.return error
        | Some (Ok ()) | None -> read later )
  in
  read (wanted entry from until)

(* What compaction gave up while it was read may have been written over. *)
let is_there (log : Log.t) entry = not (Entry.is_before log.tail ~sector_size:log.ring.layout.sector_size entry)

let rec part (log : Log.t) ~find key ~offset ~length =
  match find () with
  | Error error -> Lwt.return_error error
  | Ok entry ->
      let from = min offset entry.Entry.size in
      let until = from + min length (entry.size - from) in
      between log.ring key entry from until >>= fun result ->
      if is_there log entry then Lwt.return result else part log ~find key ~offset ~length
