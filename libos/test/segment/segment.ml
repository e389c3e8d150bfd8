open Lwt.Infix

type faults = { loss : float; duplicates : float; spoilt : float; delay : int; jitter : int }

let none = { loss = 0.; duplicates = 0.; spoilt = 0.; delay = 0; jitter = 0 }

type error = Mirage_net.Net.error

let pp_error = Mirage_net.Net.pp_error
let header_size = 14

type t = {
  wire : wire;
  mac : Macaddr.t;
  mutable receive : Cstruct.t -> unit Lwt.t;
  mutable connected : bool;
  stats : Mirage_net.stats;
  stopped : unit Lwt.t;
  stop : unit Lwt.u;
}

and wire = {
  mutable faults : faults;
  mtu : int;
  random : Random.State.t;
  mutable interfaces : t list;
  mutable sent : Cstruct.t list;
}

let create ?(faults = none) ?(mtu = 1500) ?(seed = 1) () =
  { faults; mtu; random = Random.State.make [| seed |]; interfaces = []; sent = [] }

let set_faults wire faults = wire.faults <- faults

let sent wire =
  let frames = List.rev wire.sent in
  wire.sent <- [];
  frames

let copy frame = Cstruct.append frame Cstruct.empty

let deliver ?from wire frame =
  let receive t =
    let others = match from with Some sender -> sender != t | None -> true in
    if others && t.connected then begin
      Mirage_net.Stats.rx t.stats (Int64.of_int (Cstruct.length frame));
      Lwt.async (fun () -> t.receive (copy frame))
    end
  in
  List.iter receive wire.interfaces

let inject wire frame = deliver wire frame
let chance wire probability = probability > 0. && Random.State.float wire.random 1. < probability

let spoil wire frame =
  let frame = copy frame in
  let i = Random.State.int wire.random (Cstruct.length frame) in
  Cstruct.set_uint8 frame i (Cstruct.get_uint8 frame i lxor (1 lsl Random.State.int wire.random 8));
  frame

let rec send ~from wire frame =
  let { loss; duplicates; spoilt; delay; jitter } = wire.faults in
  let arriving = if chance wire spoilt then spoil wire frame else frame in
  let delay = delay + if jitter > 0 then Random.State.int wire.random jitter else 0 in
  if not (chance wire loss) then
    Lwt.async (fun () ->
        (if delay = 0 then Lwt.pause () else Mirage_sleep.ns (Int64.of_int delay)) >|= fun () ->
        deliver ~from wire arriving);
  if chance wire duplicates then send ~from wire frame

let write t ~size fill =
  if not t.connected then Lwt.return_error `Disconnected
  else if size > t.wire.mtu + header_size then Lwt.return_error `Invalid_length
  else begin
    let buffer = Cstruct.create size in
    let frame = Cstruct.sub buffer 0 (fill buffer) in
    t.wire.sent <- frame :: t.wire.sent;
    Mirage_net.Stats.tx t.stats (Int64.of_int (Cstruct.length frame));
    send ~from:t t.wire frame;
    Lwt.return_ok ()
  end

let listen t ~header_size:_ receive =
  t.receive <- receive;
  Lwt.protected t.stopped >|= Result.ok

let mac t = t.mac
let mtu t = t.wire.mtu
let get_stats_counters t = t.stats
let reset_stats_counters t = Mirage_net.Stats.reset t.stats

let disconnect t =
  if t.connected then begin
    t.connected <- false;
    Lwt.wakeup_later t.stop ()
  end;
  Lwt.return_unit

let attach wire =
  let number = 1 + List.length wire.interfaces in
  let mac = Macaddr.of_octets_exn (Printf.sprintf "\x02\x00\x00\x00\x00%c" (Char.chr number)) in
  let stopped, stop = Lwt.wait () in
  let receive _ = Lwt.return_unit in
  let t = { wire; mac; receive; connected = true; stats = Mirage_net.Stats.create (); stopped; stop } in
  wire.interfaces <- t :: wire.interfaces;
  t
