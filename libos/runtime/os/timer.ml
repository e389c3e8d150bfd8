(* Sleepers by deadline; the second number tells apart, and keeps in order, those of one deadline. *)
module Queue = Map.Make (struct
  type t = int64 * int

  let compare (deadline, number) (deadline', number') =
    match Int64.compare deadline deadline' with 0 -> Int.compare number number' | order -> order
end)

let sleepers = ref Queue.empty
let count = ref 0

let deadline_after ns =
  let deadline = Int64.add (Platform.monotonic_ns ()) ns in
  (* Beyond what the clock can count: never. *)
  if Int64.compare ns 0L < 0 || Int64.compare deadline 0L < 0 then Int64.max_int else deadline

let sleep ns =
  let promise, sleeper = Lwt.task () in
  incr count;
  let key = (deadline_after ns, !count) in
  sleepers := Queue.add key sleeper !sleepers;
  Lwt.on_cancel promise (fun () -> sleepers := Queue.remove key !sleepers);
  promise

let next_deadline () =
  match Queue.min_binding_opt !sleepers with Some ((deadline, _), _) -> deadline | None -> Int64.max_int

let wake_due () =
  let now = Platform.monotonic_ns () in
  (* One by one: a sleeper that wakes may cancel another. The clock is read once, so that sleepers who keep going
     back to bed for no time at all leave the others a turn. *)
  let rec wake () =
    match Queue.min_binding_opt !sleepers with
    | Some (((deadline, _) as key), sleeper) when Int64.compare deadline now <= 0 ->
        sleepers := Queue.remove key !sleepers;
        Lwt.wakeup sleeper ();
        wake ()
    | Some _ | None -> ()
  in
  wake ()
