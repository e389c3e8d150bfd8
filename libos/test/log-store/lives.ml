open Lwt.Infix
module Key = Mirage_kv.Key
module Int63 = Optint.Int63
module Store = Log_store.Make (Model_disk)

type plan = {
  cut : [ `At of int | `At_head of int * int ];
  bursts : int;
  together : int;
  sizes : Model.sizes;
  tight : bool;
  failures : bool;
}

type t = {
  random : Random.State.t;
  mutable disk : Model_disk.t;
  mutable candidates : Model.state list;  (** What the store may have when it is connected. *)
  mutable clock : int;
  mutable last_operations : int;
  mutable was_cutting : bool;
}

let make ~seed ~sectors =
  {
    random = Random.State.make [| seed |];
    disk = Model_disk.create sectors;
    candidates = [ Kv_index.empty ];
    clock = 0;
    last_operations = 0;
    was_cutting = false;
  }

let operations t = t.last_operations
let was_cutting t = t.was_cutting

let now t () =
  t.clock <- t.clock + 1;
  Option.get (Ptime.of_float_s (float_of_int t.clock))

(* All that a store has. *)
let contents store =
  let must = function Ok value -> value | Error error -> Fmt.failwith "not read: %a" Store.pp_error error in
  let rec below state key =
    Store.list store key >|= must >>= Lwt_list.fold_left_s entry state
  and entry state (key, kind) =
    match kind with
    | `Dictionary -> below state key
    | `Value -> Store.get store key >|= must >|= fun value -> Kv_index.set state key value
  in
  below Kv_index.empty Key.empty

let check t found =
  match List.find_opt (Model.equal found) t.candidates with
  | Some state -> state
  | None ->
      Fmt.failwith "none of %d states:@.%a" (List.length t.candidates) Model.pp_difference (List.hd t.candidates, found)

let connect t =
  Store.connect ~now:(now t) t.disk >>= function
  | Error error -> Fmt.failwith "not connected: %a" Log_store.pp_connect_error error
  | Ok store -> contents store >|= fun found -> (store, check t found)

(* Asking *)

type answer = (unit, Store.write_error) result
type asked = { operation : Model.operation; answer : answer Lwt.t }

let ask store operation =
  let answer =
    match operation with
    | Model.Set (key, value) -> Store.set store key value
    | Set_partial (key, offset, part) -> Store.set_partial store key ~offset:(Int63.of_int offset) part
    | Allocate (key, size) -> Store.allocate store key (Int63.of_int size)
    | Remove key -> Store.remove store key
    | Rename (source, dest) -> Store.rename store ~source ~dest
  in
  { operation; answer }

(* What is acknowledged, and what failed and no other change was acknowledged since. *)
type progress = { state : Model.state; failed : Model.operation list }

let after_answer plan progress { operation; answer } =
  match (Lwt.state answer, Model.apply progress.state operation) with
  | Return (Ok ()), Ok state -> if Model.equal state progress.state then progress else { state; failed = [] }
  | Return (Error `No_space), Ok _ when plan.tight -> progress
  | Return (Error (`Disk _)), _ when plan.failures -> { progress with failed = progress.failed @ [ operation ] }
  | Return (Error error), Error expected when error = (expected :> Store.write_error) -> progress
  | Return (Ok ()), Error error ->
      Fmt.failwith "%a was done, and must be: %a" Model.pp_operation operation Mirage_kv.pp_write_error error
  | Return (Error error), _ -> Fmt.failwith "%a was refused: %a" Model.pp_operation operation Store.pp_write_error error
  | Fail exn, _ -> raise exn
  | Sleep, _ -> invalid_arg "after_answer"

(* The states on the way from [state]. Where space may be wanting, each operation may have been refused. *)
let on_the_way plan state operations =
  let applied operation state = match Model.apply state operation with Ok state -> state | Error _ -> state in
  let step (reached, all) operation =
    let next = List.map (applied operation) reached in
    ((if plan.tight then next @ reached else next), next @ all)
  in
  snd (List.fold_left step ([ state ], [ state ]) operations)

let rec runs = function [] -> [] | _ :: rest as operations -> operations :: runs rest

(* What failed may be there after a restart all the same, if nothing was written over it: any run of it. *)
let candidates plan { state; failed } unanswered =
  List.concat_map (on_the_way plan state) (unanswered :: runs failed)

(* A value that is read while others are written is one that the key has meanwhile. *)
let check_read key result states =
  let matches state =
    match (result, Kv_index.find state key) with
    | Ok value, Ok value' -> String.equal value value'
    | Error error, Error error' -> error = (error' : Mirage_kv.error :> Store.error)
    | Ok _, Error _ | Error _, Ok _ -> false
  in
  if not (List.exists matches states) then Fmt.failwith "%a was read with a value it never had" Key.pp key

let key_of = function
  | Model.Set (key, _) | Set_partial (key, _, _) | Allocate (key, _) | Remove key | Rename (key, _) -> key

(* All states since the start of a life, the last first, and how many. *)
type history = { mutable states : Model.state list; mutable count : int }

let note history states =
  history.states <- states @ history.states;
  history.count <- history.count + List.length states

(* A read that may take longer than many writes. *)
let read_meanwhile store history key =
  let before = history.count - 1 in
  Store.get store key >|= fun result ->
  check_read key result (List.filteri (fun i _ -> i < history.count - before) history.states)

(* How far it came, and what was not answered; [None] if it was not even connected. *)
let use t plan =
  let progress = ref None and asked = ref [] and history = { states = []; count = 0 } in
  let burst store before =
    if plan.failures && Random.State.int t.random 4 = 0 then Model_disk.fail_at t.disk (Random.State.int t.random 5);
    let count = 1 + Random.State.int t.random plan.together in
    let operations = List.init count (fun _ -> Model.any t.random plan.sizes) in
    asked := List.map (ask store) operations;
    Lwt.async (fun () -> read_meanwhile store history (key_of (List.hd operations)));
    note history (List.rev (on_the_way plan before.state operations));
    Lwt.join (List.map (fun { answer; _ } -> answer >|= ignore) !asked) >|= fun () ->
    List.fold_left (after_answer plan) before !asked
  in
  let rec bursts store n before =
    progress := Some before;
    asked := [];
    note history [ before.state ];
    if n = 0 then Lwt.return_unit else burst store before >>= bursts store (n - 1)
  in
  let all =
    connect t >>= fun (store, state) ->
    Model_disk.slow_reads t.disk t.random;
    bursts store plan.bursts { state; failed = [] }
  in
  ignore (Runner.run_until_stuck all : unit option);
  let answered, unanswered = List.partition (fun { answer; _ } -> Lwt.state answer <> Sleep) !asked in
  let progress = Option.map (fun before -> List.fold_left (after_answer plan) before answered) !progress in
  (progress, List.map (fun { operation; _ } -> operation) unanswered)

let live t plan =
  (match plan.cut with `At n -> Model_disk.cut_after t.disk n | `At_head (n, m) -> Model_disk.cut_at_head t.disk n m);
  let progress, unanswered = use t plan in
  Option.iter (fun progress -> t.candidates <- candidates plan progress unanswered) progress;
  Model_disk.cut t.disk;
  t.last_operations <- Model_disk.operations t.disk;
  t.was_cutting <- List.length (List.filter (fun sector -> sector < 2) (Model_disk.open_sectors t.disk)) = 1;
  t.disk <- Model_disk.restart t.disk t.random

let finish t = ignore (Runner.run (connect t) : Store.t * Model.state)
