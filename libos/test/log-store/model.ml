module Key = Mirage_kv.Key

type operation =
  | Set of Key.t * string
  | Set_partial of Key.t * int * string
  | Allocate of Key.t * int
  | Remove of Key.t
  | Rename of Key.t * Key.t

type state = string Kv_index.t

let pp_operation ppf = function
  | Set (key, value) -> Fmt.pf ppf "set %a (%d bytes)" Key.pp key (String.length value)
  | Set_partial (key, offset, part) -> Fmt.pf ppf "set %a from %d (%d bytes)" Key.pp key offset (String.length part)
  | Allocate (key, size) -> Fmt.pf ppf "allocate %a (%d bytes)" Key.pp key size
  | Remove key -> Fmt.pf ppf "remove %a" Key.pp key
  | Rename (source, dest) -> Fmt.pf ppf "rename %a to %a" Key.pp source Key.pp dest

(* Operations *)

let names = [| "a"; "b"; "c" |]

let rec any_key ?(depth = 0) random =
  let key = Key.v names.(Random.State.int random (Array.length names)) in
  if depth < 2 && Random.State.int random 2 = 0 then Key.append key (any_key ~depth:(depth + 1) random) else key

type sizes = { longest : int; long : int }

let any_length random { longest; long } =
  let int n = Random.State.int random n in
  if int 100 < long then int longest else if int 8 = 0 then 0 else int 700

let count = ref 0

(* No two are alike, but for short ones. *)
let any_value random sizes =
  incr count;
  let head = Printf.sprintf "%d:" !count in
  let fill i = if i < String.length head then head.[i] else Char.chr ((!count + (i * i lsr 4)) land 255) in
  String.init (any_length random sizes) fill

let any random sizes =
  match Random.State.int random 12 with
  | 0 -> Remove (any_key random)
  | 1 -> Rename (any_key random, any_key random)
  | 2 -> Allocate (any_key random, any_length random sizes)
  | 3 | 4 -> Set_partial (any_key random, any_length random sizes, any_value random sizes)
  | _ -> Set (any_key random, any_value random sizes)

(* States *)

let set state key value = Result.map (fun () -> Kv_index.set state key value) (Kv_index.may_set state key)

let set_partial state key offset part =
  match Kv_index.find state key with
  | Error (`Not_found _) -> set state key part
  | Error error -> Error error
  | Ok value ->
      let size = String.length value in
      let offset = min offset size in
      let rest = min size (offset + String.length part) in
      Ok (Kv_index.set state key (String.sub value 0 offset ^ part ^ String.sub value rest (size - rest)))

let allocate state key size =
  match Kv_index.exists state key with
  | Error error -> Error error
  | Ok (Some _) -> Error (`Already_present key)
  | Ok None -> Ok (Kv_index.set state key (String.make size '\000'))

let rename state source dest =
  let moved moved =
    let without = List.fold_left (fun state (source, _, _) -> Kv_index.remove state source) state moved in
    List.fold_left (fun state (_, dest, value) -> Kv_index.set state dest value) without moved
  in
  Result.map moved (Kv_index.move state ~source ~dest)

let apply state operation : (state, Mirage_kv.write_error) result =
  match operation with
  | Set (key, value) -> set state key value
  | Set_partial (key, offset, part) -> (set_partial state key offset part :> (state, Mirage_kv.write_error) result)
  | Allocate (key, size) -> allocate state key size
  | Remove key -> Ok (Kv_index.remove state key)
  | Rename (source, dest) -> rename state source dest

let all state = List.rev (Kv_index.fold (fun path value all -> (path, value) :: all) state [])
let equal state state' = List.equal (fun (p, v) (p', v') -> String.equal p p' && String.equal v v') (all state) (all state')

let pp_difference ppf (expected, found) =
  let value state path =
    match Kv_index.find_path state path with
    | None -> "nothing"
    | Some value -> Printf.sprintf "%S (%d bytes)" (String.sub value 0 (min 10 (String.length value))) (String.length value)
  in
  let paths = List.sort_uniq String.compare (List.map fst (all expected) @ List.map fst (all found)) in
  let differs path = Kv_index.find_path expected path <> Kv_index.find_path found path in
  let show path = Fmt.pf ppf "%s: expected %s, found %s@." path (value expected path) (value found path) in
  List.iter show (List.filter differs paths)
