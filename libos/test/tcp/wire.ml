type faults = { loss : float; duplicates : float; spoilt : float; delay : int; jitter : int }

let none = { loss = 0.; duplicates = 0.; spoilt = 0.; delay = 0; jitter = 0 }

type receive = src:Ipaddr.t -> dst:Ipaddr.t -> Cstruct.t -> unit Lwt.t

type t = {
  mutable faults : faults;
  random : Random.State.t;
  hosts : (Ipaddr.t, receive) Hashtbl.t;
  mutable packets : int;
  mutable card : bool;
  mutable see : src:Ipaddr.t -> dst:Ipaddr.t -> Cstruct.t -> unit;
}

let create ?(faults = none) ~seed () =
  let random = Random.State.make [| seed |] in
  { faults; random; hosts = Hashtbl.create 2; packets = 0; card = false; see = (fun ~src:_ ~dst:_ _ -> ()) }

let set_faults t faults = t.faults <- faults
let packets t = t.packets
let with_card t = t.card <- true
let tap t see = t.see <- see

let inject t ~src ~dst payload =
  t.see ~src ~dst payload;
  match Hashtbl.find_opt t.hosts dst with
  | Some receive -> Lwt.async (fun () -> receive ~src ~dst payload)
  | None -> ()

let chance t probability = probability > 0. && Random.State.float t.random 1. < probability

let spoil t payload =
  let copy = Cstruct.append payload Cstruct.empty in
  let i = Random.State.int t.random (Cstruct.length copy) in
  Cstruct.set_uint8 copy i (Cstruct.get_uint8 copy i lxor (1 lsl Random.State.int t.random 8));
  copy

let rec send t ~src ~dst payload =
  let { loss; duplicates; spoilt; delay; jitter } = t.faults in
  let payload = if chance t spoilt then spoil t payload else payload in
  let delay = delay + if jitter > 0 then Random.State.int t.random jitter else 0 in
  if not (chance t loss) then
    Lwt.async (fun () ->
        let arrives = if delay = 0 then Lwt.pause () else Mirage_sleep.ns (Int64.of_int delay) in
        Lwt.map (fun () -> inject t ~src ~dst payload) arrives);
  if chance t duplicates then send t ~src ~dst payload

(* {2 A network card that cuts packets, in software} *)

let pseudo_sum ~src ~dst length =
  let octets = function Ipaddr.V4 a -> Ipaddr.V4.to_octets a | V6 a -> Ipaddr.V6.to_octets a in
  let behind = Cstruct.create 4 in
  Cstruct.BE.set_uint16 behind 0 6;
  Cstruct.BE.set_uint16 behind 2 length;
  Cstruct.append (Cstruct.of_string (octets src ^ octets dst)) behind

let finish_checksum ~src ~dst segment at =
  Cstruct.BE.set_uint16 segment at 0;
  let sum = Tcpip_checksum.ones_complement_list [ pseudo_sum ~src ~dst (Cstruct.length segment); segment ] in
  Cstruct.BE.set_uint16 segment at sum

(* What a card makes of a packet: the header again and again, with other numbers, and the last flags with the last
   piece. *)
let cut ~src ~dst packet { Net_offload.checksum_from; checksum_at; segment_size } =
  assert (checksum_from = 0);
  let header = (Cstruct.get_uint8 packet 12 lsr 4) * 4 in
  let payload = Cstruct.shift packet header in
  let length = Cstruct.length payload in
  (* As the card expects it: the sum of the pseudo-header, for the length of the whole. *)
  let left = Cstruct.BE.get_uint16 packet checksum_at in
  let expected = lnot (Tcpip_checksum.ones_complement (pseudo_sum ~src ~dst (Cstruct.length packet))) land 0xffff in
  if left <> expected then failwith "the sum of the pseudo-header is wrong";
  let size = if segment_size = 0 then max 1 length else segment_size in
  List.init ((length + size - 1) / size |> max 1) (fun i ->
      let piece = Cstruct.sub payload (i * size) (min size (length - (i * size))) in
      let segment = Cstruct.append (Cstruct.sub packet 0 header) piece in
      let sequence = Int32.add (Cstruct.BE.get_uint32 packet 4) (Int32.of_int (i * size)) in
      Cstruct.BE.set_uint32 segment 4 sequence;
      let last = (i + 1) * size >= length in
      if not last then Cstruct.set_uint8 segment 13 (Cstruct.get_uint8 segment 13 land lnot 9);
      finish_checksum ~src ~dst segment checksum_at;
      segment)

module Ip = struct
  type error = Tcpip.Ip.error

  let pp_error = Tcpip.Ip.pp_error

  type ipaddr = Ipaddr.t
  type prefix = Ipaddr.Prefix.t
  type callback = src:ipaddr -> dst:ipaddr -> Cstruct.t -> unit Lwt.t

  let pp_ipaddr = Ipaddr.pp
  let pp_prefix = Ipaddr.Prefix.pp

  type nonrec t = { wire : t; address : ipaddr }

  let disconnect _ = Lwt.return_unit
  let input _ ~tcp:_ ~udp:_ ~default:_ _ = Lwt.return_unit
  let mtu _ ~dst = match dst with Ipaddr.V4 _ -> 1480 | V6 _ -> 1460

  let write t ?(fragment = true) ?ttl:_ ?(src = t.address) dst _ ?(size = 0) fill payload =
    if Ipaddr.compare dst (Ipaddr.of_string_exn "10.9.9.9") = 0 then Lwt.return_error (`No_route "nobody is there")
    else begin
      assert (not fragment);
      let payload_size = Cstruct.lenv payload in
      let packet = Cstruct.create (size + payload_size) in
      if t.wire.card then Net_offload.filling packet.buffer;
      let used = fill (Cstruct.sub packet 0 size) in
      let packet = Cstruct.append (Cstruct.sub packet 0 used) (Cstruct.concat payload) in
      let send packet =
        t.wire.packets <- t.wire.packets + 1;
        send t.wire ~src ~dst packet
      in
      match if t.wire.card then Net_offload.filled ~frame:packet else None with
      | Some request ->
          List.iter send (cut ~src ~dst packet request);
          Lwt.return_ok ()
      | None when Cstruct.length packet > mtu t ~dst -> Lwt.return_error `Would_fragment
      | None ->
          send packet;
          Lwt.return_ok ()
    end

  let pseudoheader t ?(src = t.address) dst _ length = pseudo_sum ~src ~dst length

  let src t ~dst:_ = t.address
  let get_ip t = [ t.address ]
  let configured_ips t = [ Ipaddr.Prefix.of_addr t.address ]
end

module Tcp_over = Tcp.Flow.Make (Ip)

let host wire address =
  let address = Ipaddr.of_string_exn address in
  let tcp = Tcp_over.connect { Ip.wire; address } in
  match Lwt.state tcp with
  | Return tcp ->
      Hashtbl.replace wire.hosts address (Tcp_over.input tcp);
      tcp
  | Sleep | Fail _ -> assert false
