open Lwt.Infix
module Net = Platform.Net

let source = Logs.Src.create "netif" ~doc:"Network interfaces"

module Log = (val Logs.src_log source : Logs.LOG)

type error = Mirage_net.Net.error

let pp_error = Mirage_net.Net.pp_error

(* A frame that waits until there is room to send it. *)
type waiting = { buffer : Net.buffer; length : int; work : int; resolver : (unit, error) result Lwt.u }

type counts = { mutable frames : int; mutable bytes : int }

type t = {
  place : Net.place;
  info : Net.info;
  mac : Macaddr.t;
  incoming : Net.buffer array;  (** By number; the device has them. *)
  outgoing : Net.buffer array;  (** By number. *)
  mutable large : Net.buffer list;  (** For frames that the device cuts, and free. *)
  mutable large_count : int;
  longest_sent : int;
  free : int array;  (** The first [free_count] are numbers that can be sent from; the last used is the next. *)
  mutable free_count : int;
  waiting : waiting Queue.t;
  received : counts;
  sent : counts;
  mutable connected : bool;
  mutable receive : Cstruct.t -> unit Lwt.t;
  mutable longest : int;  (** Longer frames are not received. *)
  mutable stopped : unit Lwt.t * unit Lwt.u;
}

let ethernet_header = 14

(* IP knows no larger ones. *)
let packet_most = 65_535
let no_buffer = Bigarray.(Array1.create char c_layout 0)
let buffer_size info = info.Net.header + ethernet_header + info.Net.mtu
let allocate info = (Cstruct.create_unsafe (buffer_size info)).buffer

let count counts length =
  counts.frames <- counts.frames + 1;
  counts.bytes <- counts.bytes + length

(* Sending *)

let take_free t =
  t.free_count <- t.free_count - 1;
  t.free.(t.free_count)

let is_large t buffer = Bigarray.Array1.dim buffer > buffer_size t.info

(* So many large buffers are kept for the next frames, half a MiB; more are there only while they are sent. *)
let large_kept = 8

let keep_large t buffer =
  if t.large_count < large_kept then begin
    t.large <- buffer :: t.large;
    t.large_count <- t.large_count + 1
  end

let give_back t number =
  let buffer = t.outgoing.(number) in
  if is_large t buffer then begin
    t.outgoing.(number) <- no_buffer;
    keep_large t buffer
  end;
  t.free.(t.free_count) <- number;
  t.free_count <- t.free_count + 1

let rec reclaim t =
  match Net.sent t.place with
  | -1 -> ()
  | number ->
      give_back t number;
      reclaim t

let send t number length work =
  count t.sent length;
  Net.send t.place number t.outgoing.(number) length work

let rec send_waiting t =
  if t.free_count > 0 then
    match Queue.take_opt t.waiting with
    | None -> ()
    | Some { buffer; length; work; resolver } ->
        let number = take_free t in
        t.outgoing.(number) <- buffer;
        send t number length work;
        Lwt.wakeup_later resolver (Ok ());
        send_waiting t

let ok = Lwt.return_ok ()

(* A frame that finds so many before it is lost, as on a wire that is too slow: memory has an end. *)
let waiting_most = 1024

let send_later t buffer length work =
  if Queue.length t.waiting >= waiting_most then ok
  else begin
    let promise, resolver = Lwt.wait () in
    Queue.push { buffer; length; work; resolver } t.waiting;
    promise
  end

let frame_most t = t.info.mtu + ethernet_header

let large_buffer t =
  match t.large with
  | [] -> (Cstruct.create_unsafe (t.info.header + t.longest_sent)).buffer
  | buffer :: rest ->
      t.large <- rest;
      t.large_count <- t.large_count - 1;
      buffer

(* A buffer is made when it is first needed: few are in use at a time. *)
let buffer_of t number size =
  if size > frame_most t then t.outgoing.(number) <- large_buffer t
  else if Bigarray.Array1.dim t.outgoing.(number) = 0 then t.outgoing.(number) <- allocate t.info;
  t.outgoing.(number)

(* What TCP left to the device, as it is told; the frame is Ethernet's. *)
let work_of frame { Net_offload.checksum_from; checksum_at; segment_size } =
  let checksum = checksum_from lor (checksum_at lsl 16) in
  if segment_size = 0 then checksum
  else
    let tcp_header = (Cstruct.get_uint8 frame (checksum_from + 12) lsr 4) * 4 in
    let is_ipv6 = if Cstruct.BE.get_uint16 frame 12 = 0x86dd then 1 else 0 in
    checksum lor (segment_size lsl 24) lor ((checksum_from + tcp_header) lsl 40) lor (is_ipv6 lsl 48)

(* The frame's length, and the work that the device has with it. A long frame has to be one that is cut. *)
let fill_frame t buffer size fill =
  let frame = Cstruct.of_bigarray buffer ~off:t.info.header ~len:size in
  (* Of a large frame nobody leaves anything out. *)
  if size <= frame_most t then Cstruct.memset frame 0;
  if t.info.checksums then Net_offload.filling buffer;
  let length = fill frame in
  if length < 0 || length > size then invalid_arg "Netif.write: more was filled than there is";
  match if t.info.checksums then Net_offload.filled ~frame else None with
  | None when length > frame_most t -> Error `Invalid_length
  | None -> Ok (length, 0)
  | Some request -> Ok (length, work_of frame request)

let send_now t size fill =
  let number = take_free t in
  match fill_frame t (buffer_of t number size) size fill with
  | Ok (length, work) ->
      send t number length work;
      ok
  | Error _ as error ->
      give_back t number;
      Lwt.return error
  | exception exn ->
      give_back t number;
      raise exn

let write t ~size fill =
  if not t.connected then Lwt.return_error `Disconnected
  else if size < 0 || size > t.longest_sent then Lwt.return_error `Invalid_length
  else begin
    reclaim t;
    send_waiting t;
    if t.free_count > 0 then send_now t size fill
    else
      let buffer = if size > frame_most t then large_buffer t else allocate t.info in
      match fill_frame t buffer size fill with
      | Ok (length, work) -> send_later t buffer length work
      | Error _ as error -> Lwt.return error
  end

(* Receiving *)

let offer t number = Net.offer t.place number t.incoming.(number) (buffer_size t.info)

(* A frame up to this length is copied, and its buffer used again; a longer one is handed on in its buffer, and another
   takes its place. *)
let copied_most = 512

let frame_of t number length =
  let buffer = t.incoming.(number) in
  let frame = Cstruct.of_bigarray buffer ~off:t.info.header ~len:length in
  if length <= copied_most then begin
    let copy = Cstruct.create_unsafe length in
    Cstruct.blit frame 0 copy 0 length;
    copy
  end
  else begin
    t.incoming.(number) <- allocate t.info;
    frame
  end

(* The other buffers of a frame: their numbers, and how much is in them. The device gives back all of them at once. *)
let rec taken t count =
  if count <= 0 then []
  else
    match Net.received t.place with
    | -1 -> []
    | answer ->
        let part = (answer land 0xffff, answer lsr 16) in
        part :: taken t (count - 1)

(* A frame that is spread over several buffers, of [length] bytes in all: the first [in_first] are in the first. *)
let joined t number in_first rest length =
  let frame = Cstruct.create_unsafe length in
  Cstruct.blit (Cstruct.of_bigarray t.incoming.(number) ~off:t.info.header ~len:in_first) 0 frame 0 in_first;
  let add place (number, length) =
    Cstruct.blit (Cstruct.of_bigarray t.incoming.(number) ~len:length) 0 frame place length;
    place + length
  in
  ignore (List.fold_left add in_first rest);
  frame

let hand_up t frame =
  count t.received (Cstruct.length frame);
  let receive = t.receive in
  Lwt.async (fun () -> receive frame)

(* What goes before a frame: see {!Platform.Net.received}. *)
let flags header = Cstruct.get_uint8 header 0
let sum_from header = Cstruct.LE.get_uint16 header 6
let sum_at header = Cstruct.LE.get_uint16 header 8
let buffers header = Cstruct.LE.get_uint16 header 10
let to_be_finished = 1

(* The sum of the pseudo-header is there already. *)
let finish_checksum frame ~from ~at =
  if from + at + 2 <= Cstruct.length frame then
    Cstruct.BE.set_uint16 frame (from + at) (Tcpip_checksum.ones_complement (Cstruct.shift frame from))

(* With a checksum that needs no look. Of a large frame it is not even there: only TCP gets such, and knows. *)
let hand_up_checked t frame ~flags ~from ~at =
  if flags land to_be_finished <> 0 && Cstruct.length frame <= frame_most t then finish_checksum frame ~from ~at;
  Net_offload.handing_up frame.buffer;
  hand_up t frame;
  Net_offload.handed_up ()

let receive t number length =
  let header = Cstruct.of_bigarray t.incoming.(number) ~len:t.info.header in
  let flags = if t.info.large then flags header else 0 in
  let from = sum_from header and at = sum_at header in
  let rest = if t.info.large then taken t (buffers header - 1) else [] in
  let in_first = max 0 (length - t.info.header) in
  let length = List.fold_left (fun sum (_, length) -> sum + length) in_first rest in
  let frame () = if rest = [] then frame_of t number length else joined t number in_first rest length in
  let frame = if length > t.longest then None else try Some (frame ()) with Out_of_memory -> None in
  offer t number;
  List.iter (fun (number, _) -> offer t number) rest;
  match frame with
  | None -> ()
  | Some frame -> if flags = 0 then hand_up t frame else hand_up_checked t frame ~flags ~from ~at

(* So many in one turn of the main loop, so that what they cause gets its turn too. *)
let frames_most = 64

(* Whether there may be more. *)
let rec receive_some t left =
  left = 0
  ||
  match Net.received t.place with
  | -1 -> false
  | answer ->
      receive t (answer land 0xffff) (answer lsr 16);
      receive_some t (left - 1)

let rec watch t =
  if not (Queue.is_empty t.waiting) then reclaim t;
  send_waiting t;
  let next = if receive_some t frames_most then Lwt.pause () else Unikernel_os.Event.wait (Platform.device t.place) in
  next >>= fun () -> watch t

let ignore_frames t =
  t.longest <- -1;
  t.receive <- (fun _ -> Lwt.return_unit)

let listen t ~header_size receive =
  if not t.connected then Lwt.return_error `Disconnected
  else begin
    t.longest <- (if t.info.large then ethernet_header + packet_most else header_size + t.info.mtu);
    t.receive <- receive;
    Lwt.protected (fst t.stopped) >|= fun () -> Ok ()
  end

(* The rest *)

let mac t = t.mac
let mtu t = t.info.mtu
let link t = Net.link t.place

let get_stats_counters { received; sent; _ } =
  {
    Mirage_net.rx_bytes = Int64.of_int received.bytes;
    rx_pkts = Int32.of_int received.frames;
    tx_bytes = Int64.of_int sent.bytes;
    tx_pkts = Int32.of_int sent.frames;
  }

let reset_stats_counters { received; sent; _ } =
  List.iter
    (fun counts ->
      counts.frames <- 0;
      counts.bytes <- 0)
    [ received; sent ]

let disconnect t =
  if t.connected then begin
    t.connected <- false;
    ignore_frames t;
    Queue.iter (fun { resolver; _ } -> Lwt.wakeup_later resolver (Error `Disconnected)) t.waiting;
    Queue.clear t.waiting;
    let _, stop = t.stopped in
    t.stopped <- Lwt.wait ();
    Lwt.wakeup_later stop ()
  end;
  Lwt.return_unit

let devices : (Net.place, t) Hashtbl.t = Hashtbl.create 1
let start place name =
  let info = Net.connect place name ~large:(Net_offload.large_wanted ()) in
  Net_offload.connected ~packet_most:(if info.checksums && info.segments then packet_most else 0);
  let t =
    {
      place;
      info;
      mac = Macaddr.of_octets_exn info.mac;
      incoming = Array.init info.room (fun _ -> allocate info);
      outgoing = Array.make info.room no_buffer;
      large = [];
      large_count = 0;
      longest_sent = ethernet_header + if info.checksums && info.segments then packet_most else info.mtu;
      free = Array.init info.room Fun.id;
      free_count = info.room;
      waiting = Queue.create ();
      received = { frames = 0; bytes = 0 };
      sent = { frames = 0; bytes = 0 };
      connected = true;
      receive = (fun _ -> Lwt.return_unit);
      longest = -1;
      stopped = Lwt.wait ();
    }
  in
  for number = 0 to info.room - 1 do
    offer t number
  done;
  if not (link t) then Log.warn (fun m -> m "The cable of the interface %s is not plugged in." name);
  Lwt.async (fun () -> watch t);
  t

let connect ~place name =
  match Hashtbl.find_opt devices place with
  | Some t ->
      t.connected <- true;
      Lwt.return t
  | None -> (
      match start place name with
      | t ->
          Hashtbl.replace devices place t;
          Lwt.return t
      | exception Failure reason ->
          Lwt.fail_with (Printf.sprintf "The network interface %S cannot be used: %s." name reason) )
