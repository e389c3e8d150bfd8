type fragment = { offset : int; content : Cstruct.t }

type packet = {
  began : int64;
  fragments : fragment list;  (** By offset, without gaps counted. *)
  bytes : int;
  size : int option;  (** Known when the last fragment has come. *)
}

type 'key t = { packets : ('key, packet) Hashtbl.t; bytes_most : int; mutable bytes : int }

let create ?(bytes = 256 * 1024) () = { packets = Hashtbl.create 4; bytes_most = bytes; bytes = 0 }
let patience = Duration.of_sec 10
let fragments_most = 64
let packet_most = 65_535

let drop t key =
  match Hashtbl.find_opt t.packets key with
  | None -> ()
  | Some { bytes; _ } ->
      Hashtbl.remove t.packets key;
      t.bytes <- t.bytes - bytes

let oldest t =
  let older key { began; _ } = function
    | Some (_, began') as oldest when Int64.compare began' began <= 0 -> oldest
    | Some _ | None -> Some (key, began)
  in
  Hashtbl.fold older t.packets None

let rec make_room t ~now wanted =
  match oldest t with
  | Some (key, began) when t.bytes + wanted > t.bytes_most || Int64.compare (Int64.sub now began) patience > 0 ->
      drop t key;
      make_room t ~now wanted
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
  make_room t ~now (Cstruct.length content);
  let packet =
    match Hashtbl.find_opt t.packets key with
    | Some packet -> packet
    | None -> { began = now; fragments = []; bytes = 0; size = None }
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
            t.bytes <- t.bytes + packet.bytes;
            None )
  end
