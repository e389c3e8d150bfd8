type 'a slot = { owner : 'a; mutable place : int }

(* Without gaps. *)
type 'a t = { most : int; mutable slots : 'a slot array; mutable count : int }

let create ~most = { most; slots = [||]; count = 0 }

let remove t slot =
  if slot.place >= 0 then begin
    t.count <- t.count - 1;
    let last = t.slots.(t.count) in
    t.slots.(slot.place) <- last;
    last.place <- slot.place;
    slot.place <- -1;
    (* The free end keeps nobody alive. *)
    if t.count = 0 then t.slots <- [||] else t.slots.(t.count) <- t.slots.(0)
  end

let make_room t ~random =
  if t.count < t.most then None
  else begin
    let slot = t.slots.(random t.count) in
    remove t slot;
    Some slot.owner
  end

let add t ~random owner =
  let left = make_room t ~random in
  let slot = { owner; place = t.count } in
  if t.count = Array.length t.slots then begin
    let larger = Array.make (Int.max 8 (2 * t.count)) slot in
    Array.blit t.slots 0 larger 0 t.count;
    t.slots <- larger
  end;
  t.slots.(t.count) <- slot;
  t.count <- t.count + 1;
  (slot, left)
