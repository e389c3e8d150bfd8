module Net = Platform.Net

type error = Mirage_net.Net.error

(* A frame that waits until there is room to send it. *)
type waiting = { buffer : Net.buffer; length : int; work : int; resolver : (unit, error) result Lwt.u }

type t = {
  place : Net.place;
  info : Net.info;
  longest : int;
  buffers : Net.buffer array;  (** By number. *)
  free : int array;  (** The first [free_count] are numbers that can be sent from; the last used is the next. *)
  mutable free_count : int;
  mutable large : Net.buffer list;  (** For frames that the device cuts, and free. *)
  mutable large_count : int;
  waiting : waiting Queue.t;
  counts : Frame.counts;
}

let cuts info = info.Net.checksums && info.segments
let no_buffer = Bigarray.(Array1.create char c_layout 0)

let create place info =
  {
    place;
    info;
    longest = (if cuts info then Frame.ethernet_header + Frame.packet_most else Frame.most info);
    buffers = Array.make info.room no_buffer;
    free = Array.init info.room Fun.id;
    free_count = info.room;
    large = [];
    large_count = 0;
    waiting = Queue.create ();
    counts = { frames = 0; bytes = 0 };
  }

let counts t = t.counts

(* Buffers *)

(* So many large buffers are kept for the next frames, half a MiB; more are there only while they are sent. *)
let large_kept = 8

let keep_large t buffer =
  if t.large_count < large_kept then begin
    t.large <- buffer :: t.large;
    t.large_count <- t.large_count + 1
  end

let large_buffer t =
  match t.large with
  | [] -> (Cstruct.create_unsafe (t.info.header + t.longest)).buffer
  | buffer :: rest ->
      t.large <- rest;
      t.large_count <- t.large_count - 1;
      buffer

let is_large t size = size > Frame.most t.info

(* A buffer is made when it is first needed: few are in use at a time. *)
let buffer_of t number size =
  if is_large t size then t.buffers.(number) <- large_buffer t
  else if t.buffers.(number) == no_buffer then t.buffers.(number) <- Frame.allocate t.info;
  t.buffers.(number)

let take_free t =
  t.free_count <- t.free_count - 1;
  t.free.(t.free_count)

let give_back t number =
  let buffer = t.buffers.(number) in
  if Bigarray.Array1.dim buffer > Frame.size t.info then begin
    t.buffers.(number) <- no_buffer;
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

(* Filling *)

(* What TCP left to the device, as it is told; the frame is Ethernet's. *)
let work_of frame { Net_offload.checksum_from; checksum_at; segment_size } =
  let checksum = checksum_from lor (checksum_at lsl 16) in
  if segment_size = 0 then checksum
  else
    let tcp_header = (Cstruct.get_uint8 frame (checksum_from + 12) lsr 4) * 4 in
    let is_ipv6 = if Cstruct.BE.get_uint16 frame 12 = 0x86dd then 1 else 0 in
    checksum lor (segment_size lsl 24) lor ((checksum_from + tcp_header) lsl 40) lor (is_ipv6 lsl 48)

(* The frame's length, and the work that the device has with it. A large frame has to be one that is cut. *)
let filled t buffer size fill =
  let frame = Cstruct.of_bigarray buffer ~off:t.info.header ~len:size in
  (* Of a large frame nobody leaves anything out. *)
  if not (is_large t size) then Cstruct.memset frame 0;
  if t.info.checksums then Net_offload.filling buffer;
  let length = fill frame in
  if length < 0 || length > size then invalid_arg "Netif.write: more was filled than there is";
  match if t.info.checksums then Net_offload.filled ~frame else None with
  | None when is_large t length -> Error `Invalid_length
  | None -> Ok (length, 0)
  | Some request -> Ok (length, work_of frame request)

(* Sending *)

let send t number length work =
  Frame.count t.counts length;
  Net.send t.place number t.buffers.(number) length work

let ok = Lwt.return_ok ()

let send_now t size fill =
  let number = take_free t in
  match filled t (buffer_of t number size) size fill with
  | Ok (length, work) ->
      send t number length work;
      ok
  | Error _ as error ->
      give_back t number;
      Lwt.return error
  | exception exn ->
      give_back t number;
      raise exn

let rec send_waiting t =
  if t.free_count > 0 then
    match Queue.take_opt t.waiting with
    | None -> ()
    | Some { buffer; length; work; resolver } ->
        let number = take_free t in
        t.buffers.(number) <- buffer;
        send t number length work;
        Lwt.wakeup_later resolver (Ok ());
        send_waiting t

(* A frame that finds so many before it is lost, as on a wire that is too slow: memory has an end. *)
let waiting_most = 1024

let send_later t size fill =
  if Queue.length t.waiting >= waiting_most then ok
  else
    let buffer = if is_large t size then large_buffer t else Frame.allocate t.info in
    match filled t buffer size fill with
    | Error _ as error -> Lwt.return error
    | Ok (length, work) ->
        let promise, resolver = Lwt.wait () in
        Queue.push { buffer; length; work; resolver } t.waiting;
        promise

let progress t =
  reclaim t;
  send_waiting t

let write t ~size fill =
  if size < 0 || size > t.longest then Lwt.return_error `Invalid_length
  else begin
    progress t;
    if t.free_count > 0 then send_now t size fill else send_later t size fill
  end

let drop t =
  Queue.iter (fun { resolver; _ } -> Lwt.wakeup_later resolver (Error `Disconnected)) t.waiting;
  Queue.clear t.waiting
