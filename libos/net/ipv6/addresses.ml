module Prefix = Ipaddr.V6.Prefix

type state = Tentative | Ready | Duplicate

type own = {
  cidr : Prefix.t;
  mutable state : state;
  mutable preferred_until : int64;
  mutable valid_until : int64;
}

type t = { mutable own : own list }

let create () = { own = [] }

(* Routers may name any number of networks. *)
let most = 16
let later a b = Int64.compare a b > 0
let live t ~now = List.filter (fun { valid_until; _ } -> later valid_until now) t.own
let has cidr own = Prefix.compare own.cidr cidr = 0

let add t ?(preferred_until = Int64.max_int) ?(valid_until = Int64.max_int) cidr =
  if List.exists (has cidr) t.own || List.length t.own >= most then None
  else begin
    let own = { cidr; state = Tentative; preferred_until; valid_until } in
    t.own <- t.own @ [ own ];
    Some own
  end

let set own state = own.state <- state
let two_hours = Duration.of_hour 2

let renew t ~now ~preferred_until ~valid_until cidr =
  t.own <- live t ~now;
  match List.find_opt (has cidr) t.own with
  | None -> false
  | Some own ->
      own.preferred_until <- preferred_until;
      let least = Int64.min own.valid_until (Int64.add now two_hours) in
      own.valid_until <- (if later least valid_until then least else valid_until);
      true

let address { cidr; _ } = Prefix.address cidr
let same a b = Ipaddr.V6.compare a b = 0
let find t ~now ip = List.find_opt (fun own -> same (address own) ip) (live t ~now)
let is_ready t ~now ip = match find t ~now ip with Some { state = Ready; _ } -> true | Some _ | None -> false

let solicited t ~now group =
  let is_its own = same (Prefix.network_address Prefix.solicited_node (address own)) group in
  List.exists is_its (live t ~now)

let all t ~now = List.filter_map (fun own -> if own.state = Duplicate then None else Some own.cidr) (live t ~now)
let is_local ip = Prefix.mem ip Prefix.link

(* RFC 6724 in short: an address of the same reach as the destination; then one that is still preferred; then one of
   the destination's own network. *)
let source t ~now dst =
  let wants_local =
    is_local dst || (Ipaddr.V6.is_multicast dst && not (Ipaddr.is_global (V6 dst)))
  in
  let rank own =
    ( is_local (address own) = wants_local,
      later own.preferred_until now,
      Prefix.mem dst own.cidr )
  in
  let better best own = match best with Some other when rank other >= rank own -> best | Some _ | None -> Some own in
  let ready = List.filter (fun { state; _ } -> state = Ready) (live t ~now) in
  Option.map address (List.fold_left better None ready)
