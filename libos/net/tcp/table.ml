module type Address = sig
  type t

  val equal : t -> t -> bool
  val hash : int -> t -> int
end

module type S = sig
  type address
  type 'a t

  val create : seed:int -> 'a t
  val length : 'a t -> int
  val ports : local:int -> remote:int -> int
  val find : 'a t -> ports:int -> local:address -> remote:address -> 'a option
  val add : 'a t -> ports:int -> local:address -> remote:address -> 'a -> unit
  val remove : 'a t -> ports:int -> local:address -> remote:address -> unit
  val iter : ('a -> unit) -> 'a t -> unit
end

module Make (Address : Address) = struct
  type address = Address.t

  type 'a entries =
    | None_more
    | Entry of { ports : int; local : Address.t; remote : Address.t; found : 'a option; next : 'a entries }

  (* [found] is what {!find} gives, made once. *)
  type 'a t = { seed : int; mutable buckets : 'a entries array; mutable length : int }

  let least = 64
  let create ~seed = { seed; buckets = Array.make least None_more; length = 0 }
  let length t = t.length
  let[@inline] ports ~local ~remote = (local lsl 16) lor remote

  (* The address is hashed with a secret, and the ports, spread over all bits, are added. *)
  let[@inline] bucket t ~ports ~remote =
    let hash = Address.hash t.seed remote + (ports * 0x9e3779b97f4a7c1) in
    (hash lxor (hash lsr 32)) land (Array.length t.buckets - 1)

  let rec find_in entries ~ports ~local ~remote =
    match entries with
    | None_more -> None
    | Entry e ->
        if e.ports = ports && Address.equal e.remote remote && Address.equal e.local local then e.found
        else find_in e.next ~ports ~local ~remote

  let find t ~ports ~local ~remote = find_in t.buckets.(bucket t ~ports ~remote) ~ports ~local ~remote

  let rec iter_entries f = function
    | None_more -> ()
    | Entry { found; next; _ } ->
        Option.iter f found;
        iter_entries f next

  let iter f t = Array.iter (iter_entries f) t.buckets

  let resize t size =
    let old = t.buckets in
    t.buckets <- Array.make size None_more;
    let rec move = function
      | None_more -> ()
      | Entry { ports; local; remote; found; next } ->
          let i = bucket t ~ports ~remote in
          t.buckets.(i) <- Entry { ports; local; remote; found; next = t.buckets.(i) };
          move next
    in
    Array.iter move old

  let add t ~ports ~local ~remote value =
    if t.length >= 2 * Array.length t.buckets then resize t (4 * Array.length t.buckets);
    let i = bucket t ~ports ~remote in
    t.buckets.(i) <- Entry { ports; local; remote; found = Some value; next = t.buckets.(i) };
    t.length <- t.length + 1

  let remove t ~ports ~local ~remote =
    let rec without = function
      | None_more -> None_more
      | Entry ({ next; _ } as e) as entry ->
          if e.ports = ports && Address.equal e.remote remote && Address.equal e.local local then begin
            t.length <- t.length - 1;
            next
          end
          else
            let rest = without next in
            if rest == next then entry else Entry { e with next = rest }
    in
    let i = bucket t ~ports ~remote in
    t.buckets.(i) <- without t.buckets.(i);
    if t.length < Array.length t.buckets / 8 && Array.length t.buckets > least then
      resize t (Array.length t.buckets / 4)
end
