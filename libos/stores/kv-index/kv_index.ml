module Key = Mirage_kv.Key
module Paths = Map.Make (String)

type 'a t = 'a Paths.t

let empty = Paths.empty
let path key = if Key.equal key Key.empty then "" else Key.to_string key

let key path =
  match String.split_on_char '/' path with
  | "" :: segments -> List.fold_left Key.add Key.empty segments
  | _ -> Key.empty

(* What is in a dictionary has paths that begin with its own and a slash: neighbours, since paths are ordered by their
   characters. *)
let inside path = path ^ "/"

let first_from t path = Paths.find_first_opt (fun other -> String.compare other path >= 0) t

let first_inside t path =
  let inside = inside path in
  match first_from t inside with
  | Some (other, _) when String.starts_with ~prefix:inside other -> Some other
  | Some _ | None -> None

let is_dictionary t path = path = "" || first_inside t path <> None

(* Whether a value is on the way to [path]. *)
let is_blocked t path =
  let rec look from =
    match String.index_from_opt path from '/' with
    | None -> false
    | Some slash -> Paths.mem (String.sub path 0 slash) t || look (slash + 1)
  in
  path <> "" && look 1

let missing t key path =
  if is_dictionary t path then `Value_expected key
  else if is_blocked t path then `Dictionary_expected key
  else `Not_found key

let find t key =
  let path = path key in
  match Paths.find_opt path t with Some value -> Ok value | None -> Error (missing t key path)

let exists t key =
  let path = path key in
  if Paths.mem path t then Ok (Some `Value)
  else
    match missing t key path with
    | `Value_expected _ -> Ok (Some `Dictionary)
    | `Not_found _ -> Ok None
    | `Dictionary_expected _ as error -> Error error

(* The character behind the slash. *)
let behind path = path ^ "0"

let children t key path =
  let inside = inside path in
  let start = String.length inside in
  let rec collect found from =
    match first_from t from with
    | Some (other, _) when String.starts_with ~prefix:inside other -> (
        match String.index_from_opt other start '/' with
        | None ->
            let child = Key.add key (String.sub other start (String.length other - start)) in
            collect ((child, `Value) :: found) (other ^ "\000")
        | Some slash ->
            let child = Key.add key (String.sub other start (slash - start)) in
            collect ((child, `Dictionary) :: found) (behind (String.sub other 0 slash)) )
    | Some _ | None -> found
  in
  let by_name (key, _) (key', _) = String.compare (Key.basename key) (Key.basename key') in
  List.sort by_name (collect [] inside)

let list t key =
  let path = path key in
  if is_dictionary t path then Ok (children t key path)
  else if Paths.mem path t || is_blocked t path then Error (`Dictionary_expected key)
  else Error (`Not_found key)

let below_path t path =
  let inside = inside path in
  let rec while_inside bindings () =
    match bindings () with
    | Seq.Cons (((other, _) as binding), rest) when String.starts_with ~prefix:inside other ->
        Seq.Cons (binding, while_inside rest)
    | Seq.Cons _ | Seq.Nil -> Seq.Nil
  in
  while_inside (Paths.to_seq_from inside t)

let below t at = Seq.map (fun (path, value) -> (key path, value)) (below_path t (path at))

let may_set t key =
  let path = path key in
  if Paths.mem path t then Ok ()
  else match missing t key path with `Not_found _ -> Ok () | #Mirage_kv.error as error -> Error error

let find_path t path = Paths.find_opt path t
let set_path t path value = Paths.add path value t

let replace_path t path value =
  let before = ref None in
  let replace found =
    before := found;
    Some value
  in
  let t = Paths.update path replace t in
  (t, !before)

let remove_path t path =
  let t = Paths.remove path t in
  Seq.fold_left (fun t (other, _) -> Paths.remove other t) t (below_path t path)

let set t key value = set_path t (path key) value
let remove t key = remove_path t (path key)
let fold = Paths.fold

let rec is_prefix segments segments' =
  match (segments, segments') with
  | [], _ -> true
  | segment :: rest, segment' :: rest' -> String.equal segment segment' && is_prefix rest rest'
  | _ :: _, [] -> false

let move_value t ~source ~dest value =
  let target = if is_dictionary t (path dest) then Key.add dest (Key.basename source) else dest in
  (* [source] does not stand in its own way. *)
  if Key.equal source target then Ok []
  else Result.map (fun () -> [ (source, target, value) ]) (may_set (Paths.remove (path source) t) target)

let move_dictionary t ~source ~dest =
  let into target =
    match exists t target with
    | Ok None ->
        let segments = List.length (Key.segments source) in
        let moved (from, value) =
          let relative = List.filteri (fun i _ -> i >= segments) (Key.segments from) in
          (from, List.fold_left Key.add target relative, value)
        in
        Ok (List.of_seq (Seq.map moved (below t source)))
    | Ok (Some `Value) -> Error (`Value_expected source)
    | Ok (Some `Dictionary) -> Error (`Already_present target)
    | Error (#Mirage_kv.error as error) -> Error error
  in
  if is_prefix (Key.segments source) (Key.segments dest) then Error (`Rename_source_prefix (source, dest))
  else if not (is_dictionary t (path dest)) then into dest
  else
    let target = Key.add dest (Key.basename source) in
    if Key.equal source target then Ok [] else into target

let move t ~source ~dest =
  match find t source with
  | Ok value -> move_value t ~source ~dest value
  | Error (`Value_expected _) -> move_dictionary t ~source ~dest
  | Error (#Mirage_kv.error as error) -> Error error
