open Lwt.Infix
module Net = Platform.Net

let source = Logs.Src.create "netif" ~doc:"Network interfaces"

module Log = (val Logs.src_log source : Logs.LOG)

type error = Mirage_net.Net.error

let pp_error = Mirage_net.Net.pp_error

type t = {
  place : Net.place;
  info : Net.info;
  mac : Macaddr.t;
  outgoing : Outgoing.t;
  incoming : Incoming.t;
  mutable connected : bool;
  mutable stopped : unit Lwt.t * unit Lwt.u;
}

let mac t = t.mac
let mtu t = t.info.mtu
let link t = Net.link t.place
let write t ~size fill = if t.connected then Outgoing.write t.outgoing ~size fill else Lwt.return_error `Disconnected

let listen t ~header_size receive =
  if not t.connected then Lwt.return_error `Disconnected
  else begin
    Incoming.listen t.incoming ~longest:(header_size + t.info.mtu) receive;
    Lwt.protected (fst t.stopped) >|= fun () -> Ok ()
  end

let get_stats_counters t =
  let received = Incoming.counts t.incoming and sent = Outgoing.counts t.outgoing in
  {
    Mirage_net.rx_bytes = Int64.of_int received.bytes;
    rx_pkts = Int32.of_int received.frames;
    tx_bytes = Int64.of_int sent.bytes;
    tx_pkts = Int32.of_int sent.frames;
  }

let reset_stats_counters t =
  let reset (counts : Frame.counts) =
    counts.frames <- 0;
    counts.bytes <- 0
  in
  List.iter reset [ Incoming.counts t.incoming; Outgoing.counts t.outgoing ]

let disconnect t =
  if t.connected then begin
    t.connected <- false;
    Incoming.ignore t.incoming;
    Outgoing.drop t.outgoing;
    let _, stop = t.stopped in
    t.stopped <- Lwt.wait ();
    Lwt.wakeup_later stop ()
  end;
  Lwt.return_unit

(* So many in one turn of the main loop, so that what they cause gets its turn too. *)
let frames_most = 64

let rec watch t =
  Outgoing.progress t.outgoing;
  let more = Incoming.receive t.incoming ~most:frames_most in
  (if more then Lwt.pause () else Unikernel_os.Event.wait (Platform.device t.place)) >>= fun () -> watch t

let start place name =
  let info = Net.connect place name ~large:(Net_offload.large_wanted ()) in
  Net_offload.connected ~packet_most:(if Outgoing.cuts info then Frame.packet_most else 0);
  let t =
    {
      place;
      info;
      mac = Macaddr.of_octets_exn info.mac;
      outgoing = Outgoing.create place info;
      incoming = Incoming.create place info;
      connected = true;
      stopped = Lwt.wait ();
    }
  in
  if not (link t) then Log.warn (fun m -> m "The cable of the interface %s is not plugged in." name);
  Lwt.async (fun () -> watch t);
  t

let devices : (Net.place, t) Hashtbl.t = Hashtbl.create 1

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
