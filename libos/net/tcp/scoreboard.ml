(* Runs that were received, in order; they do not touch. *)
type t = { mutable runs : (Sequence.t * Sequence.t) list }

let create () = { runs = [] }
let is_empty t = t.runs = []
let clear t = t.runs <- []

(* The runs with another one, and whether it had anything new. *)
let rec added ((first, behind) as run) = function
  | ((first', behind') as run') :: rest ->
      if behind < first' then (run :: run' :: rest, true)
      else if first > behind' then
        let rest, is_new = added run rest in
        (run' :: rest, is_new)
      else if first' <= first && behind <= behind' then (run' :: rest, false)
      else
        let rest, _ = added (Int.min first first', Int.max behind behind') rest in
        (rest, true)
  | [] -> ([ run ], true)

(* A peer that reports every other byte gets no more of our memory than this. *)
let most_runs = 256

let update t ~una blocks =
  let add is_new (first, behind) =
    if behind <= first || behind <= una then is_new
    else begin
      let runs, added_new = added (first, behind) t.runs in
      t.runs <- runs;
      is_new || added_new
    end
  in
  let is_new = List.fold_left add false blocks in
  if t.runs <> [] then t.runs <- List.filter (fun (_, behind) -> behind > una) t.runs;
  if List.compare_length_with t.runs most_runs > 0 then t.runs <- [];
  is_new

let received t ~before =
  List.fold_left (fun sum (first, behind) -> sum + Int.max 0 (Int.min before behind - first)) 0 t.runs

let highest t ~una = List.fold_left (fun _ (_, behind) -> behind) una t.runs

let lost_before t ~beyond ~una =
  let rec from_last received = function
    | [] -> una
    | (first, behind) :: rest ->
        let received = received + behind - first in
        if received > beyond then Int.max una first else from_last received rest
  in
  from_last 0 (List.rev t.runs)

let missing t ~from ~before =
  if before <= from then 0
  else
    let overlap (first, behind) = Int.max 0 (Int.min before behind - Int.max from first) in
    List.fold_left (fun sum run -> sum - overlap run) (before - from) t.runs

let gap t sequence =
  let rec find sequence = function
    | [] -> (sequence, max_int)
    | (first, behind) :: rest ->
        if sequence < first then (sequence, first)
        else if sequence < behind then find behind rest
        else find sequence rest
  in
  find sequence t.runs
