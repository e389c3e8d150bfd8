(* Anything may arrive at any time: nothing raises, and what must always hold does. *)

open Tcp

let random = Random.State.make [| 2026 |]
let pick n = Random.State.int random n
let chance n = pick n = 0
let around n = pick (2 * n) - n

(* {2 The core} *)

let check name holds = if not holds then Alcotest.failf "%s" name

let invariants (t : Tcb.t) ~now =
  check "una <= next" (t.una <= t.next);
  check "next <= highest" (t.next <= t.highest);
  check "highest <= finish + 1" (t.highest <= Tcb.finish t + 1);
  check "the queue begins at una" (t.phase = Closed || t.phase = Time_wait
    || Send_queue.start t.queue = max (t.iss + 1) (min t.una (Tcb.finish t)));
  check "the receive buffer has its bounds" (Receive_queue.bytes t.received <= t.receive_limit);
  check "so has what is out of order" (Reassembly.bytes t.reassembly <= Tcb.edge t - t.receive_next);
  check "the window never shrinks" (t.advertised <= Tcb.edge t);
  if Timers.deadline t <= now then
    Alcotest.failf "a deadline has passed: retransmit %d probe %d ack %d release %d expire %d probes %d heard %d"
      (t.retransmit_at - now)
      (t.probe_at - now) (t.ack_at - now) (t.release_at - now) (t.expire_at - now) t.probes (t.heard_at - now);
  check "nothing is waited for in the end" (t.phase <> Closed || Timers.deadline t = Tcb.never);
  check "data under way has a timer"
    (t.phase = Closed || t.phase = Time_wait || t.una = t.highest || t.retransmit_at < Tcb.never
      || t.probe_at < Tcb.never);
  check "waiting data has a timer"
    (match t.phase with
    | Established | Close_wait | Fin_wait_1 | Last_ack | Closing -> t.next > Tcb.finish t || Tcb.finish t = t.next
      || Timers.deadline t < Tcb.never
    | _ -> true)

let random_segment (t : Tcb.t) =
  let flags = if chance 4 then pick 64 else
    List.nth Segment.Flags.[ ack; ack lor psh; ack lor fin; syn; syn lor ack; rst; rst lor ack ] (pick 7) in
  let flags = if chance 3 then flags else Segment.Flags.ack lor (flags land Segment.Flags.psh) in
  let length = if chance 2 then 0 else 1 + pick 3000 in
  let sequence = if chance 20 then Random.State.bits random lsl 2 else
    t.receive_next + (if chance 2 then 0 else around 3000) in
  let acks = [| t.una; t.next; t.highest; t.una + pick 3000; t.una - pick 3000; Tcb.finish t + 1 |] in
  let ack = if chance 20 then Random.State.bits random lsl 2 else acks.(pick 6) in
  let options =
    if not t.timestamps then Options.none
    else { Options.none with ts_value = (t.ts_recent + if chance 5 then around 100 else 0) land 0xffffffff;
      ts_echo = pick 100000 }
  in
  let block () = let first = t.una + around 4000 in (Sequence.wire first, Sequence.wire (first + around 4000)) in
  let options = if t.sack && chance 3 then { options with sack = List.init (1 + pick 3) (fun _ -> block ()) } else
    options in
  let payload = if length = 0 then [] else [ Cstruct.create length ] in
  { Segment.sequence = Sequence.wire sequence; ack = Sequence.wire ack; flags; window = (if chance 3 then pick 3 else
    pick 65536); options; payload; length }

let turn t ~now ~sent =
  let count = ref 0 in
  Outgoing.segments t ~now (fun segment ->
      incr count;
      incr sent;
      check "a segment is not too long" (segment.length <= max t.mss t.burst);
      check "its payload has its length" (Cstruct.lenv segment.payload = segment.length);
      check "a turn ends" (!count < 5000))

let one_life () =
  let now = ref 1_000_000_000 and sent = ref 0 in
  let keepalive = if chance 2 then Some { Tcb.after = 5_000_000_000; interval = 1_000_000_000; probes = 2 } else None in
  let passive = Random.State.bool random in
  let iss = Random.State.bits random lsl 2 and mss = 500 + pick 1000 in
  let burst = if chance 4 then 10 * mss else mss in
  let t = Tcb.create ~passive ~mss ~burst ~iss ~ts_offset:(Random.State.bits random) ~keepalive ~now:!now in
  let peer = Random.State.bits random lsl 2 in
  let options = { Options.mss = pick 2000; window_scale = pick 20 - 1; sack_permitted = chance 2;
    ts_value = (if chance 2 then pick 1000 else -1); ts_echo = 0; sack = [] } in
  let syn = { Segment.sequence = peer; ack = Sequence.wire (iss + 1); flags = Segment.Flags.syn; window = pick 65536;
    options; payload = []; length = 0 } in
  if passive then Incoming.open_by t ~now:!now syn else Connection.connect t;
  turn t ~now:!now ~sent;
  if passive then
    Incoming.segment t ~now:!now ~crowded:false { syn with sequence = Sequence.wire (peer + 1);
      flags = Segment.Flags.ack; options = { Options.none with ts_value = options.ts_value } }
  else if chance 5 then Incoming.segment t ~now:!now ~crowded:false syn
  else Incoming.segment t ~now:!now ~crowded:false { syn with flags = Segment.Flags.(syn lor ack) };
  turn t ~now:!now ~sent;
  for _ = 1 to 100 do
    (match pick 14 with
    | 0 -> if Connection.can_write t then Connection.write t ~no_delay:(chance 2) (Cstruct.create (1 + pick 20_000))
    | 1 -> if chance 10 then Connection.shutdown_write t
    | 2 -> if chance 10 then Connection.shutdown_read t
    | 3 -> if chance 10 then Connection.close t ~now:!now
    | 4 | 5 -> ignore (Connection.read t)
    | 6 | 7 ->
        now := if chance 2 then !now + pick 100_000_000 else min (Timers.deadline t) (!now + 100_000_000_000);
        if Timers.deadline t <= !now then Timers.expire t ~now:!now (fun _ -> ())
    | 8 -> if t.phase = Time_wait then ignore (Incoming.reopens t (random_segment t))
    | _ -> Incoming.segment t ~now:!now ~crowded:(chance 10) (random_segment t));
    if not (chance 3) || Timers.deadline t <= !now then begin
      turn t ~now:!now ~sent;
      invariants t ~now:!now
    end
  done

let core () = for _ = 1 to Chance.times 30_000 do one_life () done

(* {2 The whole} *)

open Lwt.Infix
module Over = Wire.Tcp_over

let run promise =
  let result = ref None in
  Unikernel_os.Main.run (promise >|= fun value -> result := Some value);
  Option.get !result

(* Real segments with some bytes changed, and the checksum put right so that they get in. *)
let mutated recorded ~src ~dst =
  let octets = function Ipaddr.V4 a -> Ipaddr.V4.to_octets a | V6 a -> Ipaddr.V6.to_octets a in
  let payload = Cstruct.append recorded (Cstruct.create (if chance 10 then pick 100 else 0)) in
  let payload = if chance 10 then Cstruct.sub payload 0 (pick (Cstruct.length payload)) else payload in
  if Cstruct.length payload < 20 then payload
  else begin
    for _ = 0 to pick 3 do Cstruct.set_uint8 payload (4 + pick (min 60 (Cstruct.length payload) - 4)) (pick 256) done;
    if not (chance 20) then begin
      Cstruct.BE.set_uint16 payload 16 0;
      let length = Cstruct.length payload in
      let pseudo = Cstruct.of_string
        (octets src ^ octets dst ^ Printf.sprintf "\000\006%c%c" (Char.chr (length lsr 8))
          (Char.chr (length land 255))) in
      Cstruct.BE.set_uint16 payload 16 (Tcpip_checksum.ones_complement_list [ pseudo; payload ])
    end;
    payload
  end

let whole () =
  let wire = Wire.create ~seed:3 () in
  let client = Wire.host wire "10.0.0.1" and server = Wire.host wire "10.0.0.2" in
  let a = Ipaddr.of_string_exn "10.0.0.1" and b = Ipaddr.of_string_exn "10.0.0.2" in
  let rec echo flow = Over.read flow >>= function Ok (`Data data) -> Over.write flow data >>= fun _ -> echo flow
    | _ -> Over.close flow in
  Over.listen server ~port:80 echo;
  let injected = ref 0 in
  (* Answers to injected segments are answered by more of them, which need not end by itself. *)
  let left = ref 0 in
  let injecting = ref false in
  Wire.tap wire (fun ~src ~dst payload ->
      if !left > 0 && not !injecting then begin
        injecting := true;
        for _ = 1 to 50 do
          incr injected;
          decr left;
          Wire.inject wire ~src ~dst (mutated payload ~src ~dst)
        done;
        injecting := false
      end);
  let exchange () =
    left := 30_000;
    Over.create_connection client (b, 80) >>= function
    | Error _ -> Lwt.return_unit
    | Ok flow ->
        Over.write flow (Cstruct.create 5000) >>= fun _ ->
        Lwt.pick [ (Over.read flow >|= ignore); Mirage_sleep.ns 1_000_000_000L ] >>= fun () -> Over.close flow
  in
  let rec exchanges n = if n = 0 then Lwt.return_unit else exchange () >>= fun () -> exchanges (n - 1) in
  run (exchanges (Chance.times 100));
  Alcotest.(check bool) (Printf.sprintf "%d segments" !injected) true (!injected > Chance.times 300_000);
  Wire.tap wire (fun ~src:_ ~dst:_ _ -> ());
  ignore a;
  run (Mirage_sleep.ns 1_000_000_000_000L);
  Alcotest.(check bool) "few are left" true (Over.num_open_channels client + Over.num_open_channels server < 20);
  let answered =
    run
      ( Over.create_connection client (b, 80) >>= function
        | Error _ -> Lwt.return_false
        | Ok flow ->
            Over.write flow (Cstruct.of_string "still there?") >>= fun _ ->
            Over.read flow >|= function Ok (`Data data) -> Cstruct.to_string data = "still there?" | _ -> false )
  in
  Alcotest.(check bool) "it still answers" true answered

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Logs.set_level None;
  Alcotest.run "fuzz" [ ("fuzz", [ case "the core" core; case "hosts" whole ]) ]
