type t = {
  ring : Ring.t;
  store : int;
  frame : Cstruct.t;
  mutable tail : int;
  mutable tail_chain : int;
  mutable head : int;
  mutable chain : int;
  milestones : (int * int) Queue.t;
  mutable last_milestone : int;
  mutable epoch : int;
  mutable begun : bool;
  mutable generation : int;
  mutable copy : int;
}

let make ring { Superblock.store; generation; tail; chain; layout; epoch; _ } ~copy =
  {
    ring;
    store;
    frame = Cstruct.create_unsafe (Layout.frame_bytes layout);
    tail;
    tail_chain = chain;
    head = tail;
    chain;
    milestones = Queue.create ();
    last_milestone = tail;
    epoch;
    begun = false;
    generation;
    copy;
  }

let free t = Layout.ring t.ring.layout - (t.head - t.tail)
let is_milestone t ~last position = position - last >= Layout.milestone t.ring.layout

let append t ~position ~chain ~milestones =
  t.head <- position;
  t.chain <- chain;
  List.iter
    (fun milestone ->
      Queue.push milestone t.milestones;
      t.last_milestone <- fst milestone)
    milestones

let rec forget t position =
  match Queue.peek_opt t.milestones with
  | Some (milestone, _) when milestone <= position ->
      ignore (Queue.pop t.milestones);
      forget t position
  | Some _ | None -> ()

(* Both copies, one after the other. *)
let write_superblock t ~tail ~chain ~epoch =
  let { Ring.device; layout } = t.ring in
  let generation = t.generation + 1 in
  let sector = Superblock.encode { layout; store = t.store; generation; tail; head = t.head; chain; epoch } in
  let write copy = device.write copy [ sector ] in
  let older = t.copy and newer = 1 - t.copy in
  Device.bind (write newer) @@ fun () ->
  Device.bind (device.flush ()) @@ fun () ->
  t.generation <- generation;
  t.copy <- newer;
  t.tail <- tail;
  t.tail_chain <- chain;
  t.epoch <- epoch;
  t.begun <- true;
  (* Now that one is safe: so that either may be damaged. It need not be on the medium before anything else. *)
  write older

let start t =
  if t.begun then Lwt.return_ok ()
  else write_superblock t ~tail:t.tail ~chain:t.tail_chain ~epoch:((t.epoch + 1) land 0xffff_ffff)

let cut t (position, chain) =
  Device.bind (write_superblock t ~tail:position ~chain ~epoch:t.epoch) @@ fun () ->
  t.last_milestone <- max t.last_milestone position;
  forget t position;
  Lwt.return_ok ()
