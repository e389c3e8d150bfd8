module Net = Platform.Net

type t = {
  place : Net.place;
  info : Net.info;
  buffers : Net.buffer array;  (** By number; the device has them. *)
  counts : Frame.counts;
  mutable hand_on : Cstruct.t -> unit Lwt.t;
  mutable longest : int;  (** Longer frames are thrown away. *)
}

let counts t = t.counts
let throw_away _ = Lwt.return_unit
let offer t number = Net.offer t.place number t.buffers.(number) (Frame.size t.info)

let create place info =
  let buffers = Array.init info.Net.room (fun _ -> Frame.allocate info) in
  let t = { place; info; buffers; counts = { frames = 0; bytes = 0 }; hand_on = throw_away; longest = -1 } in
  for number = 0 to info.room - 1 do
    offer t number
  done;
  t

let listen t ~longest receive =
  t.longest <- (if t.info.large then Frame.ethernet_header + Frame.packet_most else longest);
  t.hand_on <- receive

let ignore t =
  t.longest <- -1;
  t.hand_on <- throw_away

(* One frame *)

(* A frame up to this length is copied, and its buffer used again; a longer one is handed on in its buffer, and another
   takes its place. *)
let copied_most = 512

let view t number length = Cstruct.of_bigarray t.buffers.(number) ~off:t.info.header ~len:length

let frame t number length =
  if length <= copied_most then begin
    let copy = Cstruct.create_unsafe length in
    Cstruct.blit (view t number length) 0 copy 0 length;
    copy
  end
  else begin
    let next = Frame.allocate t.info in
    let frame = view t number length in
    t.buffers.(number) <- next;
    frame
  end

(* The other buffers of a frame: their numbers, and how much is in them. The device gives them back together. *)
let rec others t count =
  if count = 0 then []
  else
    match Net.received t.place with
    | -1 -> []
    | answer ->
        let part = (Net.number answer, Net.length answer) in
        part :: others t (count - 1)

let joined t number length others total =
  let whole = Cstruct.create_unsafe total in
  Cstruct.blit (view t number length) 0 whole 0 length;
  let add place (number, length) =
    Cstruct.blit (Cstruct.of_bigarray t.buffers.(number) ~len:length) 0 whole place length;
    place + length
  in
  let (_ : int) = List.fold_left add length others in
  whole

let hand_on t frame =
  Frame.count t.counts (Cstruct.length frame);
  let hand_on = t.hand_on in
  Lwt.async (fun () -> hand_on frame)

(* Checksums *)

(* The sum of the pseudoheader is there already. *)
let finish_checksum frame (from, at) =
  if from + at + 2 <= Cstruct.length frame then
    Cstruct.BE.set_uint16 frame (from + at) (Tcpip_checksum.ones_complement (Cstruct.shift frame from))

(* Of a large frame the checksum is not even there: only TCP gets such, and knows. *)
let hand_on_checked t frame sum =
  if Cstruct.length frame <= Frame.most t.info then Option.iter (finish_checksum frame) sum;
  Net_offload.handing_up frame.buffer;
  hand_on t frame;
  Net_offload.handed_up ()

(* What the device says of the sum of a frame in a buffer: where it begins, and where it goes. *)
let sum_to_finish t number answer =
  if Net.is_unfinished answer then
    let header = Cstruct.of_bigarray t.buffers.(number) ~len:t.info.header in
    Some (Cstruct.LE.get_uint16 header 6, Cstruct.LE.get_uint16 header 8)
  else None

(* Receiving *)

let receive_spread t answer =
  let number = Net.number answer and length = Net.length answer in
  let others = others t (Net.others answer) in
  let total = List.fold_left (fun sum (_, length) -> sum + length) length others in
  let whole = if total > t.longest then None else try Some (joined t number length others total) with Out_of_memory -> None in
  let sum = sum_to_finish t number answer in
  offer t number;
  List.iter (fun (number, _) -> offer t number) others;
  Option.iter (fun whole -> if Net.is_checked answer then hand_on_checked t whole sum else hand_on t whole) whole

let receive_one t answer =
  let number = Net.number answer and length = Net.length answer in
  if length > t.longest then offer t number
  else
    let sum = sum_to_finish t number answer in
    match frame t number length with
    | exception Out_of_memory -> offer t number
    | frame ->
        offer t number;
        if Net.is_checked answer then hand_on_checked t frame sum else hand_on t frame

let rec receive t ~most =
  most = 0
  ||
  match Net.received t.place with
  | -1 -> false
  | answer ->
      if Net.others answer = 0 then receive_one t answer else receive_spread t answer;
      receive t ~most:(most - 1)
