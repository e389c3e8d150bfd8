let ( let* ) = Device.bind

let first_address (_, entry) =
  Array.fold_left (fun least { Record.address; _ } -> min least address) max_int (Entry.extents entry)

(* What is in the log before [limit], in its order. *)
let moving (log : Log.t) contents limit =
  let sector_size = log.ring.layout.sector_size in
  let add path entry found = if Entry.is_before limit ~sector_size entry then (path, entry) :: found else found in
  let found = Kv_index.fold add contents.Contents.index [] in
  List.sort (fun one other -> Int.compare (first_address one) (first_address other)) found

let rec move_all (log : Log.t) transaction window limit contents = function
  | [] -> Lwt.return_ok contents
  | (path, entry) :: rest ->
      let limit_address = limit * log.ring.layout.sector_size in
      let part extent = if extent.Record.address < limit_address then Edit.moved window extent else Edit.Kept extent in
      let parts = List.map part (Array.to_list (Entry.extents entry)) in
      let* entry = Transaction.put transaction ~path ~time:(Entry.time entry) parts in
      move_all log transaction window limit (Contents.set log.ring.layout contents path entry) rest

let relocate (log : Log.t) contents =
  let milestone = match Queue.peek_opt log.milestones with Some milestone -> milestone | None -> (log.head, log.chain) in
  let limit = fst milestone in
  match moving log contents limit with
  | [] -> Lwt.return_ok (contents, milestone)
  | entries ->
      let transaction = Transaction.start log in
      let window = Window.make log.ring ~until:log.head in
      let* contents = move_all log transaction window limit contents entries in
      let* () = Transaction.commit transaction in
      Lwt.return_ok (contents, milestone)
