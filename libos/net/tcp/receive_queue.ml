(* What waits behind other data is compacted: the application may be slow, or the peer send a byte at a time. Small
   pieces are gathered in [room], the free end of the last buffer of the queue. *)
type t = { buffers : Cstruct.t Queue.t; mutable bytes : int; mutable last : Cstruct.t; mutable room : Cstruct.t }

(* A buffer for small pieces, bytes. *)
let gathered = 2048

let create () = { buffers = Queue.create (); bytes = 0; last = Cstruct.empty; room = Cstruct.empty }
let bytes t = t.bytes
let is_empty t = t.bytes = 0
let is_small data = 4 * Cstruct.length data < Bigarray.Array1.dim data.Cstruct.buffer

let push_last t =
  if Cstruct.length t.last > 0 then begin
    Queue.push t.last t.buffers;
    t.last <- Cstruct.empty;
    t.room <- Cstruct.empty
  end

let rec gather t data =
  if Cstruct.length t.room = 0 then begin
    push_last t;
    t.room <- Cstruct.create_unsafe (Int.max gathered (Cstruct.length data))
  end;
  let count = Int.min (Cstruct.length data) (Cstruct.length t.room) in
  Cstruct.blit data 0 t.room 0 count;
  let { Cstruct.buffer; off; _ } = t.room in
  let start = off - Cstruct.length t.last in
  t.last <- Cstruct.of_bigarray ~off:start ~len:(off + count - start) buffer;
  t.room <- Cstruct.shift t.room count;
  if count < Cstruct.length data then gather t (Cstruct.shift data count)

let push t data =
  if t.bytes > 0 && is_small data then gather t data
  else begin
    push_last t;
    Queue.push data t.buffers
  end;
  t.bytes <- t.bytes + Cstruct.length data

let pop t =
  let data =
    match Queue.take_opt t.buffers with
    | Some data -> data
    | None ->
        push_last t;
        Queue.pop t.buffers
  in
  t.bytes <- t.bytes - Cstruct.length data;
  data

let clear t =
  Queue.clear t.buffers;
  t.last <- Cstruct.empty;
  t.room <- Cstruct.empty;
  t.bytes <- 0
