type t = {
  sleep : int64 -> unit Lwt.t;
  mutable now : int;  (* seconds, while there were guards *)
  mutable guards : guard array;
  mutable count : int;  (* of [guards], those that are in use: the first ones *)
  mutable ticking : bool;
}

and guard = {
  set : t;
  mutable place : int;  (* in [guards] *)
  mutable deadline : int;
  mutable idle_since : int;
  mutable expire : unit -> unit;
  mutable expired : bool;
}

let never = max_int
let second = 1_000_000_000L
let create ~sleep = { sleep; now = 0; guards = [||]; count = 0; ticking = false }
let count t = t.count

(* Setting deadlines *)

let set guard deadline ~idle_since =
  guard.deadline <- deadline;
  guard.idle_since <- idle_since

let allow guard seconds = set guard (guard.set.now + seconds) ~idle_since:never
let idle guard seconds = set guard (guard.set.now + seconds) ~idle_since:guard.set.now
let unlimited guard = set guard never ~idle_since:never

(* The clock *)

let nobody () = ()

let expire guard =
  unlimited guard;
  guard.expire ()

(* Who is woken may join, leave or expire others: first find, then wake. *)
let sweep t =
  let due = ref [] in
  for place = 0 to t.count - 1 do
    let guard = t.guards.(place) in
    if guard.deadline < t.now && guard.expire != nobody then due := guard :: !due
  done;
  List.iter expire !due

let rec tick t =
  Lwt.bind (t.sleep second) @@ fun () ->
  t.now <- t.now + 1;
  sweep t;
  if t.count > 0 then tick t
  else begin
    t.ticking <- false;
    Lwt.return_unit
  end

(* Members *)

let join t =
  let guard =
    { set = t; place = t.count; deadline = never; idle_since = never; expire = nobody; expired = false }
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

(* Waiting *)

let expired guard = guard.expired

let within guard promise f ~expired =
  match Lwt.state promise with
  | Lwt.Return value -> Lwt.return (f value)
  | Lwt.Fail exn -> Lwt.fail exn
  | Lwt.Sleep ->
      let result, resolver = Lwt.wait () in
      let waits = ref true in
      let ends () =
        waits := false;
        guard.expire <- nobody
      in
      guard.expire <-
        (fun () ->
          ends ();
          guard.expired <- true;
          Lwt.wakeup_later resolver expired);
      Lwt.on_any promise
        (fun value ->
          if !waits then begin
            ends ();
            Lwt.wakeup resolver (f value)
          end)
        (fun exn ->
          if !waits then begin
            ends ();
            Lwt.wakeup_exn resolver exn
          end);
      result

let spare t =
  let longest = ref None and since = ref never in
  for place = 0 to t.count - 1 do
    let guard = t.guards.(place) in
    if guard.idle_since < !since && guard.expire != nobody then begin
      longest := Some guard;
      since := guard.idle_since
    end
  done;
  match !longest with
  | None -> false
  | Some guard ->
      expire guard;
      true
