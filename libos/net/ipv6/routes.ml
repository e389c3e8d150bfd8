module Prefix = Ipaddr.V6.Prefix

type t = { mutable networks : (Prefix.t * int64) list; mutable routers : (Ipaddr.V6.t * int64) list }

let create () = { networks = [ (Prefix.link, Int64.max_int) ]; routers = [] }

(* Whoever sends advertisements may make up any number. *)
let networks_most = 32
let routers_most = 8

let lasts ~now (_, until) = Int64.compare until now > 0

let set ~most ~same ~now entries ((item, _) as entry) =
  let others = List.filter (fun other -> lasts ~now other && not (same (fst other) item)) entries in
  if List.length others >= most || not (lasts ~now entry) then others else others @ [ entry ]

let same_network a b = Prefix.compare a b = 0
let same_address a b = Ipaddr.V6.compare a b = 0

let add_network t ~now ~until prefix =
  t.networks <- set ~most:networks_most ~same:same_network ~now t.networks (prefix, until)

let add_router t ~now ~until router =
  t.routers <- set ~most:routers_most ~same:same_address ~now t.routers (router, until)

let next_hop t ~now dst =
  if List.exists (fun entry -> lasts ~now entry && Prefix.mem dst (fst entry)) t.networks then Some dst
  else Option.map fst (List.find_opt (lasts ~now) t.routers)
