open Lwt.Infix
module Net = Platform.Net

let source = Logs.Src.create "netif" ~doc:"Network interfaces"

module Log = (val Logs.src_log source : Logs.LOG)

type error = Mirage_net.Net.error

let pp_error = Mirage_net.Net.pp_error

(* A frame that waits until there is room to send it. *)
type waiting = { buffer : Net.buffer; length : int; resolver : (unit, error) result Lwt.u }

type counts = { mutable frames : int; mutable bytes : int }

type t = {
  place : Net.place;
  info : Net.info;
  mac : Macaddr.t;
  incoming : Net.buffer array;  (** By number; the device has them. *)
  outgoing : Net.buffer array;  (** By number. *)
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
let buffer_size info = info.Net.header + ethernet_header + info.Net.mtu
let allocate info = (Cstruct.create_unsafe (buffer_size info)).buffer

let count counts length =
  counts.frames <- counts.frames + 1;
  counts.bytes <- counts.bytes + length

(* Sending *)

let take_free t =
  t.free_count <- t.free_count - 1;
  t.free.(t.free_count)

let give_back t number =
  t.free.(t.free_count) <- number;
  t.free_count <- t.free_count + 1

let rec reclaim t =
  match Net.sent t.place with
  | -1 -> ()
  | number ->
      give_back t number;
      reclaim t

let send t number length =
  count t.sent length;
  Net.send t.place number t.outgoing.(number) length

let rec send_waiting t =
  if t.free_count > 0 then
    match Queue.take_opt t.waiting with
    | None -> ()
    | Some { buffer; length; resolver } ->
        let number = take_free t in
        t.outgoing.(number) <- buffer;
        send t number length;
        Lwt.wakeup_later resolver (Ok ());
        send_waiting t

let ok = Lwt.return_ok ()

(* A frame that finds so many before it is lost, as on a wire that is too slow: memory has an end. *)
let waiting_most = 1024

let send_later t buffer length =
  if Queue.length t.waiting >= waiting_most then ok
  else begin
    let promise, resolver = Lwt.wait () in
    Queue.push { buffer; length; resolver } t.waiting;
    promise
  end

(* A buffer is made when it is first needed: few are in use at a time. *)
let buffer_of t number =
  if Bigarray.Array1.dim t.outgoing.(number) = 0 then t.outgoing.(number) <- allocate t.info;
  t.outgoing.(number)

let fill_frame t buffer size fill =
  let frame = Cstruct.of_bigarray buffer ~off:t.info.header ~len:size in
  Cstruct.memset frame 0;
  let length = fill frame in
  if length < 0 || length > size then invalid_arg "Netif.write: more was filled than there is";
  length

let send_now t size fill =
  let number = take_free t in
  match fill_frame t (buffer_of t number) size fill with
  | length ->
      send t number length;
      ok
  | exception exn ->
      give_back t number;
      raise exn

let write t ~size fill =
  if not t.connected then Lwt.return_error `Disconnected
  else if size < 0 || size > t.info.mtu + ethernet_header then Lwt.return_error `Invalid_length
  else begin
    reclaim t;
    send_waiting t;
    if t.free_count > 0 then send_now t size fill
    else
      let buffer = allocate t.info in
      send_later t buffer (fill_frame t buffer size fill)
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

let receive t number length =
  match if length <= t.longest then Some (frame_of t number length) else None with
  | None | (exception Out_of_memory) -> offer t number
  | Some frame ->
      offer t number;
      count t.received length;
      let receive = t.receive in
      Lwt.async (fun () -> receive frame)

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
    t.longest <- header_size + t.info.mtu;
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
let no_buffer = Bigarray.(Array1.create char c_layout 0)

let start place name =
  let info = Net.connect place name in
  let t =
    {
      place;
      info;
      mac = Macaddr.of_octets_exn info.mac;
      incoming = Array.init info.room (fun _ -> allocate info);
      outgoing = Array.make info.room no_buffer;
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
