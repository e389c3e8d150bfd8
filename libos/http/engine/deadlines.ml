type t = {
  sleep : int64 -> unit Lwt.t;
  mutable now : int;  (* seconds, while there were guards *)
  mutable guards : guard array;
  mutable count : int;  (* of [guards], those that are in use: the first ones *)
  mutable ticking : bool;
}

and guard = {
  set : t;
  mutable expire : unit -> unit;
  mutable place : int;  (* in [guards] *)
  mutable deadline : int;
  mutable idle_since : int;
  mutable waits : bool;
  mutable expired : bool;
}

let never = max_int
let second = 1_000_000_000L
let create ~sleep = { sleep; now = 0; guards = [||]; count = 0; ticking = false }
let count t = t.count
let seconds t = t.now

(* Setting deadlines *)

let set guard deadline ~idle_since =
  guard.deadline <- deadline;
  guard.idle_since <- idle_since

let allow guard seconds = set guard (guard.set.now + seconds) ~idle_since:never
let idle guard seconds = set guard (guard.set.now + seconds) ~idle_since:guard.set.now
let unlimited guard = set guard never ~idle_since:never
let waits guard yes = guard.waits <- yes
let expired guard = guard.expired

(* The clock *)

let expire guard =
  unlimited guard;
  guard.expired <- true;
  guard.expire ()

let sweep t =
  for place = 0 to t.count - 1 do
    let guard = t.guards.(place) in
    if guard.deadline < t.now && guard.waits then expire guard
  done

let rec tick t =
  Lwt.bind (t.sleep second) @@ fun () ->
  t.now <- t.now + 1;
  sweep t;
  if t.count > 0 then tick t
  else begin
    t.ticking <- false;
    Lwt.return_unit
  end

let spare t =
  let longest = ref None and since = ref never in
  for place = 0 to t.count - 1 do
    let guard = t.guards.(place) in
    if guard.idle_since < !since && guard.waits then begin
      longest := Some guard;
      since := guard.idle_since
    end
  done;
  Option.iter expire !longest;
  Option.is_some !longest

(* Members *)

let join t =
  let guard =
    { set = t; expire = ignore; place = t.count; deadline = never; idle_since = never; waits = false; expired = false }
  in
  if t.count = Array.length t.guards then begin
    let larger = Array.make (Int.max 16 (2 * t.count)) guard in
    Array.blit t.guards 0 larger 0 t.count;
    t.guards <- larger
  end;
  t.guards.(t.count) <- guard;
  t.count <- t.count + 1;
  if not t.ticking then begin
    t.ticking <- true;
    Lwt.async (fun () -> tick t)
  end;
  guard

let on_expiry guard f = guard.expire <- f

(* The last one takes the place. Nothing that has left stays within reach. *)
let leave guard =
  let t = guard.set in
  if guard.place >= 0 then begin
    t.count <- t.count - 1;
    let last = t.guards.(t.count) in
    t.guards.(guard.place) <- last;
    last.place <- guard.place;
    guard.place <- -1;
    if t.count = 0 then t.guards <- [||] else t.guards.(t.count) <- t.guards.(0)
  end
