(* Both by path, with the number of the record. A dictionary that was removed takes with it what was set before. *)
type t = {
  values : (string, int * Entry.t) Hashtbl.t;
  dictionaries : (string, int) Hashtbl.t;
  mutable count : int;
}

let create () = { values = Hashtbl.create 1024; dictionaries = Hashtbl.create 16; count = 0 }

let next t =
  t.count <- t.count + 1;
  t.count

let set t path entry = Hashtbl.replace t.values path (next t, entry)

(* Whether a dictionary around [path] was removed after [count]. *)
let is_gone t path count =
  let removed dictionary =
    match Hashtbl.find_opt t.dictionaries dictionary with Some removed -> removed > count | None -> false
  in
  let rec look from =
    match String.index_from_opt path from '/' with
    | None -> false
    | Some slash -> removed (String.sub path 0 slash) || look (slash + 1)
  in
  Hashtbl.length t.dictionaries > 0 && look 0

let remove t path =
  match Hashtbl.find_opt t.values path with
  | Some (count, _) when not (is_gone t path count) -> Hashtbl.remove t.values path
  | Some _ | None -> Hashtbl.replace t.dictionaries path (next t)

let contents layout t =
  let add path (count, entry) contents =
    if is_gone t path count then contents else Contents.set layout contents path entry
  in
  Hashtbl.fold add t.values Contents.empty
