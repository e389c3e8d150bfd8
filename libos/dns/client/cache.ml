module Names = Map.Make (struct
  type t = Message.kind * [ `raw ] Domain_name.t

  let compare (kind, name) (kind', name') =
    match Stdlib.compare (kind : Message.kind) kind' with 0 -> Domain_name.compare name name' | order -> order
end)

type entry = { addresses : Ipaddr.t list; until : int64 }
type t = { size : int; mutable entries : entry Names.t }

let create size = { size; entries = Names.empty }
let is_fresh now { until; _ } = Int64.compare now until < 0

let find t ~now kind name =
  match Names.find_opt (kind, name) t.entries with
  | Some entry when is_fresh now entry -> Some entry.addresses
  | Some _ | None -> None

(* When it is full, what is stale goes; and if nothing is, all. *)
let make_room t ~now =
  if Names.cardinal t.entries >= t.size then begin
    t.entries <- Names.filter (fun _ entry -> is_fresh now entry) t.entries;
    if Names.cardinal t.entries >= t.size then t.entries <- Names.empty
  end

let keep t ~now kind name addresses =
  let ttl_s = List.fold_left (fun least (_, ttl_s) -> Int.min least ttl_s) max_int addresses in
  if addresses <> [] && ttl_s > 0 && t.size > 0 then begin
    make_room t ~now;
    let until = Int64.add now (Int64.mul (Int64.of_int ttl_s) 1_000_000_000L) in
    t.entries <- Names.add (kind, name) { addresses = List.map fst addresses; until } t.entries
  end
