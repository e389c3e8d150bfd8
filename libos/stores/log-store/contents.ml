type t = { index : Entry.t Kv_index.t; used : int }

let empty = { index = Kv_index.empty; used = 0 }
let cost layout path { Entry.size; _ } = Space.cost layout ~path ~size

let set layout { index; used } path entry =
  let before = match Kv_index.find_path index path with Some entry -> cost layout path entry | None -> 0 in
  { index = Kv_index.set_path index path entry; used = used - before + cost layout path entry }

let remove layout { index; used } path =
  let gone path entry sum = sum + cost layout path entry in
  let at = match Kv_index.find_path index path with Some entry -> gone path entry 0 | None -> 0 in
  let below = Kv_index.below index (Kv_index.key path) in
  let all = Seq.fold_left (fun sum (key, entry) -> gone (Kv_index.path key) entry sum) at below in
  { index = Kv_index.remove_path index path; used = used - all }
