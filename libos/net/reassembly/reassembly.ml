type fragment = { offset : int; content : Cstruct.t }

type packet = {
  began : int64;
  fragments : fragment list;  (** By offset. *)
  bytes : int;
  size : int option;  (** Known when the last fragment has come. *)
}

type 'key t = { packets : ('key, packet) Hashtbl.t; cost_most : int; mutable cost : int }

let create ?(bytes = 256 * 1024) () = { packets = Hashtbl.create 4; cost_most = bytes; cost = 0 }
let patience = Duration.of_sec 10
let fragments_most = 64
let packet_most = 65_535

(* Small fragments cost memory and time too. *)
let fragment_cost = 256
let cost { bytes; fragments; _ } = bytes + (fragment_cost * List.length fragments)

let drop t key =
  match Hashtbl.find_opt t.packets key with
  | None -> ()
  | Some packet ->
      Hashtbl.remove t.packets key;
      t.cost <- t.cost - cost packet

let is_late ~now { began; _ } = Int64.compare (Int64.sub now began) patience > 0

let oldest_but t key =
  let older other packet = function
    | Some (_, oldest) as found when Int64.compare oldest.began packet.began <= 0 -> found
    | found -> if other = key then found else Some (other, packet)
  in
  Hashtbl.fold older t.packets None

(* For what a packet is going to cost, at the expense of others. *)
let rec make_room t ~now key wanted =
  match oldest_but t key with
  | Some (other, packet) when t.cost + wanted > t.cost_most || is_late ~now packet ->
      drop t other;
      make_room t ~now key wanted
  | Some _ | None -> ()

let ends { offset; content } = offset + Cstruct.length content

exception Misfit

(* @raise Misfit if it overlaps with another. *)
let rec insert fragment = function
  | [] -> [ fragment ]
  | next :: _ as fragments when ends fragment <= next.offset -> fragment :: fragments
  | next :: rest when ends next <= fragment.offset -> next :: insert fragment rest
  | _ -> raise Misfit

let is_known { offset; content } fragments =
  let same fragment = fragment.offset = offset && Cstruct.length fragment.content = Cstruct.length content in
  List.exists same fragments

(* Fragments do not overlap, so that there are no gaps if there are enough bytes. *)
let whole { fragments; bytes; size; _ } =
  if size = Some bytes then Some (Cstruct.concat (List.map (fun { content; _ } -> content) fragments)) else None

let added packet ~more fragment =
  let fragments = insert fragment packet.fragments in
  let bytes = packet.bytes + Cstruct.length fragment.content in
  let size =
    match packet.size with
    | Some size when (not more) && size <> ends fragment -> raise Misfit
    | Some _ as size -> size
    | None -> if more then None else Some (ends fragment)
  in
  let behind = List.exists (fun other -> match size with Some size -> ends other > size | None -> false) fragments in
  if behind || List.length fragments > fragments_most then raise Misfit;
  { packet with fragments; bytes; size }

let fits ~offset ~more content =
  let length = Cstruct.length content in
  offset + length <= packet_most && length > 0 && ((not more) || length mod 8 = 0)

let add t ~now key ~offset ~more content =
  let fragment = { offset; content } in
  make_room t ~now key (fragment_cost + Cstruct.length content);
  let packet =
    match Hashtbl.find_opt t.packets key with
    | Some packet when not (is_late ~now packet) -> packet
    | Some _ | None -> { began = now; fragments = []; bytes = 0; size = None }
  in
  if is_known fragment packet.fragments then None
  else begin
    drop t key;
    match if fits ~offset ~more content then added packet ~more fragment else raise Misfit with
    | exception Misfit -> None
    | packet -> (
        match whole packet with
        | Some _ as whole -> whole
        | None ->
            Hashtbl.replace t.packets key packet;
            t.cost <- t.cost + cost packet;
            None )
  end
