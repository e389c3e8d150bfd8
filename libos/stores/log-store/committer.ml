open Lwt.Infix

type answer = (unit, Problem.write_error) result
type request = { operation : Operation.t; resolver : answer Lwt.u }

type t = {
  now : unit -> Ptime.t;
  log : Log.t;
  mutable contents : Contents.t;
  requests : request Queue.t;
  mutable working : bool;
  idle : unit Lwt_condition.t;
}

let make ~now log contents =
  { now; log; contents; requests = Queue.create (); working = false; idle = Lwt_condition.create () }

let contents t = t.contents
let log t = t.log

(* The requests at the head of the queue, worked out as far as they go together. *)
type batch = {
  answers : answer list;  (** The last first. *)
  edits : Edit.t list;  (** The last first. *)
  bytes : int;  (** What the edits add to the log. *)
  contents : Contents.t;  (** What there is after them. *)
}

(* More at a time makes the first wait, and gains nothing. *)
let most_requests = 256
let most_bytes t = 4 * Layout.frame_bytes t.log.ring.layout

let add t ~time batch operation =
  let layout = t.log.ring.layout in
  Operation.plan t.log.ring ~time batch.contents operation >|= function
  | Error `Wait -> None
  | Error (#Problem.write_error as error) -> Some { batch with answers = Error error :: batch.answers }
  | Ok (edits, contents) ->
      let bytes = List.fold_left (fun sum edit -> sum + Edit.bytes layout edit) batch.bytes edits in
      let sectors = Edit.sectors layout bytes in
      let { Contents.used = before; keys = keys_before; _ } = t.contents in
      let { Contents.used = after; keys; _ } = contents in
      let keys_fit = keys <= max Space.most_keys keys_before in
      if edits = [] || (keys_fit && Space.allows layout ~before ~after ~sectors) then
        Some { answers = Ok () :: batch.answers; edits = List.rev_append edits batch.edits; bytes; contents }
      else if batch.edits <> [] then None
      else Some { batch with answers = Error `No_space :: batch.answers }

let plan t =
  let time = Record.time (t.now ()) in
  let rec go batch = function
    | { operation; _ } :: rest when batch.bytes < most_bytes t -> (
        add t ~time batch operation >>= function Some batch -> go batch rest | None -> Lwt.return batch )
    | _ -> Lwt.return batch
  in
  let rec first n requests =
    match requests () with
    | Seq.Cons (request, rest) when n > 0 -> request :: first (n - 1) rest
    | Seq.Cons _ | Seq.Nil -> []
  in
  go { answers = []; edits = []; bytes = 0; contents = t.contents } (first most_requests (Queue.to_seq t.requests))

let ( let* ) = Device.bind

let write t edits =
  let layout = t.log.ring.layout in
  let transaction = Transaction.start t.log in
  let rec all contents = function
    | [] -> Lwt.return_ok contents
    | Edit.Put { path; time; parts } :: rest ->
        let* entry = Transaction.put transaction ~path ~time parts in
        all (Contents.set layout contents path entry) rest
    | Edit.Remove path :: rest ->
        let* () = Transaction.remove transaction path in
        all (Contents.remove layout contents path) rest
  in
  let* contents = all t.contents (List.rev edits) in
  let* () = Transaction.commit transaction in
  t.contents <- contents;
  Lwt.return_ok ()

let compact t =
  let* contents, milestone = Compaction.relocate t.log t.contents in
  t.contents <- contents;
  Log.cut t.log milestone

(* The answers to the first requests. [end_of_lap] is where compaction has been over all of the log. *)
let rec commit t ~end_of_lap =
  plan t >>= fun ({ answers; edits; bytes; _ } : batch) ->
  let layout = t.log.ring.layout in
  let need = Edit.sectors layout bytes + Space.reserve layout in
  let all answer = List.rev_map (fun _ -> answer) answers in
  let try_to promise next =
    promise >>= function
    | Ok () -> next ()
    | Error (`Disk _ as error) -> Lwt.return (all (Error error))
  in
  if edits = [] then Lwt.return (List.rev answers)
  else
    try_to (Log.start t.log) @@ fun () ->
    if Log.free t.log >= need then try_to (write t edits) (fun () -> Lwt.return (List.rev answers))
    else if t.log.tail >= end_of_lap then Lwt.return (all (Error `No_space))
    else try_to (compact t) (fun () -> commit t ~end_of_lap)

let rec work t =
  if Queue.is_empty t.requests then begin
    t.working <- false;
    Lwt_condition.broadcast t.idle ();
    Lwt.return_unit
  end
  else
    commit t ~end_of_lap:t.log.head >>= fun answers ->
    let answered = List.map (fun answer -> ((Queue.pop t.requests).resolver, answer)) answers in
    List.iter (fun (resolver, answer) -> Lwt.wakeup_later resolver answer) answered;
    work t

let ask t operation =
  let promise, resolver = Lwt.wait () in
  Queue.push { operation; resolver } t.requests;
  if not t.working then begin
    t.working <- true;
    (* A moment later, together with what is asked until then. *)
    Lwt.async (fun () -> Lwt.pause () >>= fun () -> work t)
  end;
  promise

let idle t = if t.working then Lwt_condition.wait t.idle else Lwt.return_unit
