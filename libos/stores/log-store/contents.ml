type t = { index : Entry.t Kv_index.t; keys : int; used : int }

let empty = { index = Kv_index.empty; keys = 0; used = 0 }
let cost layout path { Entry.size; _ } = Space.cost layout ~path ~size

let set layout { index; keys; used } path entry =
  let index, before = Kv_index.replace_path index path entry in
  let used = used + cost layout path entry in
  match before with
  | Some before -> { index; keys; used = used - cost layout path before }
  | None -> { index; keys = keys + 1; used }

let remove layout { index; keys; used } path =
  let forget (keys, used) path entry = (keys - 1, used - cost layout path entry) in
  let left = (keys, used) in
  let left = match Kv_index.find_path index path with Some entry -> forget left path entry | None -> left in
  let below = Kv_index.below index (Kv_index.key path) in
  let keys, used = Seq.fold_left (fun left (key, entry) -> forget left (Kv_index.path key) entry) left below in
  { index = Kv_index.remove_path index path; keys; used }
