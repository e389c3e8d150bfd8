(* Hosts that talk over a wire, in virtual time. *)

open Lwt.Infix
module Tcp_core = Tcp
module Tcp = Wire.Tcp_over

let now_ms () = Int64.to_int (Mirage_mtime.elapsed_ns ()) / 1_000_000
let sleep_ms ms = Mirage_sleep.ns (Int64.of_int (ms * 1_000_000))
let ms n = n * 1_000_000

let run promise =
  let result = ref None in
  Unikernel_os.Main.run (promise >|= fun value -> result := Some value);
  Option.get !result

let ok what = function Ok value -> value | Error error -> Alcotest.failf "%s: %a" what Tcp.pp_error error
let written what = function Ok () -> () | Error error -> Alcotest.failf "%s: %a" what Tcp.pp_write_error error

(* Addresses of a pair of hosts, and the pair. *)
let v4 = ("10.0.0.1", "10.0.0.2")
let v6 = ("2001:db8::1", "2001:db8::2")

type pair = { wire : Wire.t; client : Tcp.t; server : Tcp.t; address : Ipaddr.t }

let pair ?(addresses = v4) ?faults ?(seed = 1) () =
  let wire = Wire.create ?faults ~seed () in
  let client = Wire.host wire (fst addresses) and server = Wire.host wire (snd addresses) in
  { wire; client; server; address = Ipaddr.of_string_exn (snd addresses) }

let connect { client; address; _ } = Tcp.create_connection client (address, 80)

(* {2 Data} *)

let megabyte =
  let random = Random.State.make [| 5 |] in
  Cstruct.of_string (String.init 1_000_000 (fun _ -> Char.chr (Random.State.int random 256)))
let byte i = Cstruct.get_char megabyte (i mod 1_000_000)

(* Pieces of any size, in order: [length] bytes of the endless repetition of the megabyte. *)
let rec send random flow ~at ~length ~most =
  if length = 0 then Lwt.return_unit
  else
    let place = at mod 1_000_000 in
    let piece = min (min length (1 + Random.State.int random most)) (1_000_000 - place) in
    Tcp.write flow (Cstruct.sub megabyte place piece) >>= fun result ->
    written "write" result;
    send random flow ~at:(at + piece) ~length:(length - piece) ~most

let rec receive_from flow ~at =
  Tcp.read flow >>= fun result ->
  match ok "read" result with
  | `Eof -> Lwt.return at
  | `Data data ->
      let place = at mod 1_000_000 in
      let length = Cstruct.length data in
      if length = 0 then Alcotest.fail "an empty read";
      let first = min length (1_000_000 - place) in
      if not (Cstruct.equal (Cstruct.sub data 0 first) (Cstruct.sub megabyte place first)) then
        Alcotest.failf "wrong bytes at %d" at;
      for i = first to length - 1 do
        if Cstruct.get_char data i <> byte (at + i) then Alcotest.failf "wrong bytes at %d" at
      done;
      receive_from flow ~at:(at + length)

(* Both ends send [length] bytes at once. *)
let both_ways pair random ~length ~most =
  let exchange flow =
    let received = receive_from flow ~at:0 in
    send random flow ~at:0 ~length ~most >>= fun () ->
    Tcp.shutdown flow `write >>= fun () ->
    received >>= fun total ->
    Alcotest.(check int) "all of it" length total;
    Tcp.close flow
  in
  let served, resolver = Lwt.wait () in
  Tcp.listen pair.server ~port:80 (fun flow -> exchange flow >|= Lwt.wakeup_later resolver);
  connect pair >>= fun result ->
  exchange (ok "connect" result) >>= fun () -> served

let stream ?addresses ?faults ?(seed = 1) ~length ~most () =
  let pair = pair ?addresses ?faults ~seed () in
  let start = now_ms () in
  run (both_ways pair (Random.State.make [| seed |]) ~length ~most);
  (Wire.packets pair.wire, now_ms () - start)

let streams () =
  let packets, _ = stream ~length:10_000_000 ~most:100_000 () in
  (* 6,907 full segments each way, an acknowledgement for every second at most. *)
  Alcotest.(check bool) (Printf.sprintf "full segments: %d packets" packets) true (packets < 21_000);
  ignore (stream ~addresses:v6 ~length:3_000_000 ~most:100_000 ());
  ignore (stream ~length:100_000 ~most:10 ())

(* The same data, cut by a card; and a layer between that lets no large packet through. *)
let cards () =
  let before = Net_offload.packet_most () in
  Net_offload.connected ~packet_most:65_535;
  Alcotest.(check (pair int int)) "cards" (0, 65_535) (before, Net_offload.packet_most ());
  List.iter
    (fun (addresses, card, faults) ->
      let pair = pair ~addresses ~faults () in
      if card then Wire.with_card pair.wire;
      let largest = ref 0 in
      Wire.tap pair.wire (fun ~src:_ ~dst:_ packet -> largest := max !largest (Cstruct.length packet));
      let start = now_ms () in
      run (both_ways pair (Random.State.make [| 1 |]) ~length:3_000_000 ~most:200_000);
      let elapsed = now_ms () - start in
      Alcotest.(check bool) (Printf.sprintf "in %d ms" elapsed) true (elapsed < 500 || faults.loss > 0.);
      Alcotest.(check int) "full segments" (if addresses == v4 then 1480 else 1460) !largest)
    [ (v4, true, Wire.none); (v6, true, Wire.none); (v4, false, Wire.none);
      (v4, true, { Wire.none with loss = 0.02; delay = ms 5 }) ];
  Net_offload.connected ~packet_most:0

let bad = { Wire.loss = 0.05; duplicates = 0.02; spoilt = 0.01; delay = ms 10; jitter = ms 3 }

let bad_wires () =
  ignore (stream ~faults:bad ~length:20_000_000 ~most:100_000 ());
  for seed = 1 to 40 do
    ignore (stream ~faults:{ bad with loss = 0.2; jitter = ms 20 } ~seed ~length:100_000 ~most:5_000 ())
  done

(* The time that 5 % loss costs: New Reno's window would carry about 400 KB/s at best. *)
let lossy_speed () =
  let faults = { Wire.none with loss = 0.05; delay = ms 10 } in
  let _, elapsed = stream ~faults ~length:5_000_000 ~most:100_000 () in
  let rate = 5_000_000 / elapsed in
  Alcotest.(check bool) (Printf.sprintf "%d KB/s each way" rate) true (rate > 80)

(* {2 Delays} *)

let echo flow =
  let rec loop () =
    Tcp.read flow >>= function
    | Ok (`Data data) -> Tcp.write flow data >>= fun _ -> loop ()
    | Ok `Eof | Error _ -> Tcp.close flow
  in
  loop ()

let ask flow length =
  Tcp.write flow (Cstruct.sub megabyte 0 length) >>= fun result ->
  written "ask" result;
  let rec answer left =
    if left = 0 then Lwt.return_unit
    else
      Tcp.read flow >>= fun result ->
      match ok "answer" result with `Eof -> Alcotest.fail "the end" | `Data data -> answer (left - Cstruct.length data)
  in
  answer length

let rec times n f = if n = 0 then Lwt.return_unit else f () >>= fun () -> times (n - 1) f

let questions () =
  let pair = pair ~faults:{ Wire.none with delay = ms 1 } () in
  Tcp.listen pair.server ~port:80 echo;
  let elapsed, packets =
    run
      ( connect pair >>= fun result ->
        let flow = ok "connect" result in
        let start = now_ms () and before = Wire.packets pair.wire in
        times 1000 (fun () -> ask flow 100) >>= fun () ->
        let elapsed = now_ms () - start and packets = Wire.packets pair.wire - before in
        Tcp.close flow >|= fun () -> (elapsed, packets) )
  in
  Alcotest.(check int) "a round trip each" 2000 elapsed;
  Alcotest.(check int) "two segments each" 2000 packets

(* An answer in two writes with a pause between, which with Nagle's algorithm as the RFCs have it waits for the peer's
   delayed acknowledgement; and lengths around the sizes of segments. *)
let no_stalls () =
  let pair = pair ~faults:{ Wire.none with delay = ms 1 } () in
  Tcp.listen pair.server ~port:80 (fun flow ->
      let rec loop () =
        Tcp.read flow >>= function
        | Ok (`Data _) ->
            Tcp.write flow (Cstruct.sub megabyte 0 50) >>= fun _ ->
            Lwt.pause () >>= fun () ->
            Tcp.write flow (Cstruct.sub megabyte 0 50) >>= fun _ -> loop ()
        | Ok `Eof | Error _ -> Tcp.close flow
      in
      loop ());
  Tcp.listen pair.server ~port:81 echo;
  let slowest = ref 0 in
  let timed f =
    let start = now_ms () in
    f () >|= fun () -> slowest := max !slowest (now_ms () - start)
  in
  let ask_twice flow =
    Tcp.write flow (Cstruct.sub megabyte 0 10) >>= fun _ ->
    let rec answer left =
      if left <= 0 then Lwt.return_unit
      else Tcp.read flow >>= fun result -> match ok "answer" result with `Eof -> Lwt.return_unit | `Data d ->
        answer (left - Cstruct.length d)
    in
    answer 100
  in
  run
    ( connect pair >>= fun result ->
      let flow = ok "connect" result in
      times 100 (fun () -> timed (fun () -> ask_twice flow)) >>= fun () ->
      Tcp.create_connection pair.client (pair.address, 81) >>= fun result ->
      let flow = ok "connect" result in
      Lwt_list.iter_s (fun length -> timed (fun () -> ask flow length)) [ 1; 1447; 1448; 1449; 1460; 1461; 2896; 2897;
        4000; 10_000 ]
    );
  Alcotest.(check bool) (Printf.sprintf "the slowest took %d ms" !slowest) true (!slowest <= 8)

(* {2 Errors} *)

let result_name = function
  | Ok _ -> "connected"
  | Error `Refused -> "refused"
  | Error `Timeout -> "timeout"
  | Error `Reset -> "reset"

let connecting () =
  let pair = pair () in
  let try_connect address = run (Tcp.create_connection pair.client (Ipaddr.of_string_exn address, 80)
    >|= result_name) in
  Alcotest.(check string) "nobody listens" "refused" (try_connect "10.0.0.2");
  let start = now_ms () in
  Alcotest.(check string) "nobody is there" "timeout" (try_connect "10.0.0.99");
  Alcotest.(check int) "after 31 s" 31_000 (now_ms () - start);
  let start = now_ms () in
  Alcotest.(check string) "IP says that nobody is there" "timeout" (try_connect "10.9.9.9");
  Alcotest.(check int) "at once" 0 (now_ms () - start);
  Tcp.listen pair.server ~port:80 echo;
  Alcotest.(check string) "somebody listens" "connected" (try_connect "10.0.0.2");
  Tcp.unlisten pair.server ~port:80;
  Alcotest.(check string) "no more" "refused" (try_connect "10.0.0.2");
  Alcotest.check_raises "no port" (Invalid_argument "TCP has no port 65536") (fun () ->
    Tcp.listen pair.server ~port:65536 echo)

let served serve client =
  let pair = pair () in
  Tcp.listen pair.server ~port:80 serve;
  run (connect pair >>= fun result -> client (ok "connect" result))

let raising () =
  Logs.set_level None;
  served
    (fun _ -> failwith "a bug")
    (fun flow ->
      Tcp.read flow >>= fun result ->
      Alcotest.(check string) "reset" "reset" (result_name result);
      Tcp.write flow (Cstruct.of_string "x") >|= fun result ->
      Alcotest.(check bool) "closed" true (result = Error `Closed))

let closing () =
  let got = ref "" in
  served
    (fun flow -> Tcp.write flow (Cstruct.of_string "bye") >>= fun _ -> Tcp.close flow)
    (fun flow ->
      let rec read () =
        Tcp.read flow >>= fun result ->
        match ok "read" result with
        | `Eof -> Lwt.return_unit
        | `Data data ->
            got := !got ^ Cstruct.to_string data;
            read ()
      in
      read () >>= fun () ->
      Tcp.close flow >>= fun () ->
      Tcp.read flow >>= fun result ->
      Alcotest.(check bool) "the end again" true (result = Ok `Eof);
      Tcp.write flow (Cstruct.of_string "x") >>= fun result ->
      Alcotest.(check bool) "closed" true (result = Error `Closed);
      Tcp.close flow);
  Alcotest.(check string) "all came" "bye" !got

let two_readers () =
  served
    (fun flow -> Tcp.write flow (Cstruct.of_string "one") >>= fun _ -> sleep_ms 100 >>= fun () ->
      Tcp.write flow (Cstruct.of_string "two") >|= ignore)
    (fun flow ->
      let first = Tcp.read flow and second = Tcp.read flow in
      Lwt.both first second >|= fun (first, second) ->
      let text = function Ok (`Data data) -> Cstruct.to_string data | _ -> "?" in
      Alcotest.(check (pair string string)) "each its own" ("one", "two") (text first, text second))

let cancelled_reader () =
  served
    (fun flow -> sleep_ms 100 >>= fun () -> Tcp.write flow (Cstruct.of_string "late") >|= ignore)
    (fun flow ->
      let impatient = sleep_ms 10 >|= fun () -> Ok `Eof in
      Lwt.pick [ Tcp.read flow; impatient ] >>= fun _ ->
      Tcp.read flow >|= fun result ->
      Alcotest.(check bool) "nothing is lost" true (match result with Ok (`Data data) ->
        Cstruct.to_string data = "late" | _ -> false))

let keepalive () =
  let pair = pair () in
  let keepalive = { Tcpip.Tcp.Keepalive.after = Duration.of_sec 10; interval = Duration.of_sec 1; probes = 3 } in
  Tcp.listen pair.server ~port:80 ~keepalive (fun flow ->
      Tcp.read flow >|= fun result -> Alcotest.(check bool) "left" true (result = Ok `Eof));
  run
    ( connect pair >>= fun result ->
      ignore (ok "connect" result);
      sleep_ms 60_000 >>= fun () ->
      Alcotest.(check int) "answered" 1 (Tcp.num_open_channels pair.server);
      Wire.set_faults pair.wire { Wire.none with loss = 1. };
      sleep_ms 20_000 >|= fun () -> Alcotest.(check int) "gone" 0 (Tcp.num_open_channels pair.server) )

let disconnected () =
  let pair = pair () in
  Tcp.listen pair.server ~port:80 echo;
  run
    ( connect pair >>= fun result ->
      let flow = ok "connect" result in
      ask flow 10 >>= fun () ->
      Tcp.disconnect pair.server >>= fun () ->
      Tcp.read flow >>= fun result ->
      Alcotest.(check bool) "closed in order" true (result = Ok `Eof);
      connect pair >|= fun result -> Alcotest.(check string) "no more" "refused" (result_name result) )

(* {2 Many} *)

let live_words () =
  Gc.compact ();
  (Gc.stat ()).live_words

let exchange_one pair =
  connect pair >>= fun result ->
  let flow = ok "connect" result in
  ask flow 100 >>= fun () -> Tcp.close flow

let rec in_turns pair n = if n = 0 then Lwt.return_unit else exchange_one pair >>= fun () -> in_turns pair (n - 1)

let one_after_another () =
  let pair = pair () in
  Tcp.listen pair.server ~port:80 echo;
  run (in_turns pair 100 >>= fun () -> sleep_ms 100_000);
  let before = live_words () in
  run (Lwt.join (List.init 10 (fun _ -> in_turns pair 1000)));
  let waiting = Tcp.num_open_channels pair.client in
  Alcotest.(check bool) (Printf.sprintf "%d wait" waiting) true (waiting <= 1100);
  let per_waiting = (live_words () - before) / waiting in
  Alcotest.(check bool) (Printf.sprintf "%d words each" per_waiting) true (per_waiting < 400);
  run (sleep_ms 61_000);
  Alcotest.(check (pair int int)) "none left" (0, 0) (Tcp.num_open_channels pair.client,
    Tcp.num_open_channels pair.server);
  let left = live_words () - before in
  Alcotest.(check bool) (Printf.sprintf "%d words are left" left) true (left < 2_000)

let held_open () =
  let pair = pair () in
  Tcp.listen pair.server ~port:80 echo;
  run (in_turns pair 10 >>= fun () -> sleep_ms 100_000);
  let before = live_words () in
  let flows = run (Lwt_list.map_p (fun _ -> connect pair >|= ok "connect") (List.init 500 Fun.id)) in
  let each = (live_words () - before) / 1000 in
  Alcotest.(check bool) (Printf.sprintf "%d words an end" each) true (each < 500);
  run (Lwt_list.iter_p (fun flow -> ask flow 1000) flows);
  run (Lwt_list.iter_p Tcp.close flows >>= fun () -> sleep_ms 61_000);
  Alcotest.(check int) "none left" 0 (Tcp.num_open_channels pair.server)

(* Who writes faster than the other end reads is held up, and the other end's memory stays within its bounds. *)
let back_pressure () =
  let pair = pair () in
  let accepted, resolver = Lwt.wait () in
  Tcp.listen pair.server ~port:80 (fun flow ->
      Lwt.wakeup_later resolver flow;
      Lwt.return_unit);
  let sent = ref 0 in
  let rec write flow =
    Tcp.write flow (Cstruct.sub megabyte 0 10_000) >>= function
    | Ok () ->
        sent := !sent + 10_000;
        write flow
    | Error _ -> Lwt.return_unit
  in
  run
    ( connect pair >>= fun result ->
      let flow = ok "connect" result in
      Lwt.async (fun () -> write flow);
      sleep_ms 60_000 >>= fun () ->
      let stuck = !sent in
      Alcotest.(check bool) (Printf.sprintf "%d bytes were taken" stuck) true (stuck < 300_000);
      accepted >>= fun served ->
      let rec read total = if total >= stuck then Lwt.return_unit else
        Tcp.read served >>= fun result -> match ok "read" result with `Eof -> Lwt.return_unit | `Data d ->
          read (total + Cstruct.length d) in
      read 0 >>= fun () ->
      sleep_ms 1000 >>= fun () ->
      Alcotest.(check bool) "it goes on" true (!sent > stuck);
      Tcp.close flow )

(* 200 clients send what nobody reads: all of them together do not take more memory than there may be; and once they are
   read, nothing is missing. *)
let crowded () =
  let pair = pair () in
  let module Segment = Tcp_core.Segment in
  let acknowledged = Hashtbl.create 200 in
  Wire.tap pair.wire (fun ~src ~dst:_ packet ->
      match Segment.decode packet with
      | Some { ack; _ } when Ipaddr.compare src pair.address = 0 ->
          let port = Segment.destination_port packet in
          let first, _ = Option.value (Hashtbl.find_opt acknowledged port) ~default:(ack, 0) in
          Hashtbl.replace acknowledged port (first, Tcp_core.Sequence.near 0 (ack - first))
      | Some _ | None -> ());
  let accepted = ref [] in
  Tcp.listen pair.server ~port:80 (fun flow ->
      accepted := flow :: !accepted;
      Lwt.return_unit);
  let client () =
    connect pair >>= fun result ->
    let flow = ok "connect" result in
    Tcp.write flow (Cstruct.sub megabyte 0 60_000) >>= fun result ->
    written "write" result;
    Tcp.close flow
  in
  run
    ( Lwt.async (fun () -> Lwt_list.iter_p client (List.init 200 (fun _ -> ())));
      sleep_ms 20_000 >>= fun () ->
      let taken = Hashtbl.fold (fun _ (_, bytes) sum -> sum + bytes) acknowledged 0 in
      let most = Tcp_core.Limits.held + (200 * 1_460) in
      Alcotest.(check bool) (Printf.sprintf "%d bytes are held" taken) true (taken > most / 2 && taken <= most);
      Lwt_list.iter_p
        (fun flow ->
          receive_from flow ~at:0 >>= fun total ->
          Alcotest.(check int) "all of it" 60_000 total;
          Tcp.close flow)
        !accepted
      >|= fun () -> Alcotest.(check int) "from all" 200 (List.length !accepted) )

(* 200 clients that send a byte a second, and as many that ask for much and read nothing. *)
let slow_loris () =
  let pair = pair () in
  Tcp.listen pair.server ~port:80 echo;
  let rec pour flow =
    Tcp.write flow (Cstruct.sub megabyte 0 10_000) >>= function Ok () -> pour flow | Error _ -> Tcp.close flow
  in
  Tcp.listen pair.server ~port:81 pour;
  run (in_turns pair 10 >>= fun () -> sleep_ms 100_000);
  let before = live_words () in
  let trickle () =
    connect pair >>= fun result ->
    let flow = ok "connect" result in
    times 60 (fun () -> Tcp.write flow (Cstruct.of_string "x") >>= fun _ -> sleep_ms 1000) >>= fun () -> Tcp.close flow
  in
  let deaf () = Tcp.create_connection pair.client (pair.address, 81) >|= ok "connect" in
  run
    ( Lwt.both (Lwt_list.iter_p trickle (List.init 200 (fun _ -> ())))
      (Lwt_list.map_p deaf (List.init 200 (fun _ -> ()))) >>= fun ((), flows) ->
      let start = now_ms () in
      exchange_one pair >>= fun () ->
      Alcotest.(check bool) "still serving" true (now_ms () - start < 10);
      Lwt_list.iter_p Tcp.close flows );
  run (sleep_ms 200_000);
  Alcotest.(check int) "none left" 0 (Tcp.num_open_channels pair.server);
  let left = live_words () - before in
  Alcotest.(check bool) (Printf.sprintf "%d words are left" left) true (left < 5_000)

(* {2 Attacks} *)

let segment ?(flags = Tcp_core.Segment.Flags.syn) ?(sequence = 0) ?(ack = 0) ?(payload = Cstruct.empty) ~src ~dst
    ~source_port ~destination_port () =
  let module Segment = Tcp_core.Segment in
  let length = Cstruct.length payload in
  let segment = { Segment.sequence; ack; flags; window = 1000; options = Tcp_core.Options.none; payload = [ payload ];
    length } in
  let header = Cstruct.create 20 in
  let octets = function Ipaddr.V4 a -> Ipaddr.V4.to_octets a | V6 a -> Ipaddr.V6.to_octets a in
  let pseudo = Cstruct.of_string
    (octets src ^ octets dst ^ Printf.sprintf "\000\006%c%c" (Char.chr ((20 + length) lsr 8))
      (Char.chr ((20 + length) land 255))) in
  let sum = lnot (Tcpip_checksum.ones_complement pseudo) land 0xffff in
  Segment.encode segment ~source_port ~destination_port ~pseudo:sum ~finish:true header;
  Cstruct.append header payload

let flood () =
  let pair = pair ~faults:{ Wire.none with delay = ms 5 } () in
  Tcp.listen pair.server ~port:80 echo;
  let flooding = ref true in
  let rec flood i =
    if not !flooding then Lwt.return_unit
    else begin
      (* 2,000 a second, from as many addresses. *)
      for j = 0 to 1 do
        let src = Ipaddr.V4 (Ipaddr.V4.of_int32 (Int32.of_int (0x0b000000 + (2 * i) + j))) in
        Wire.inject pair.wire ~src ~dst:pair.address
          (segment ~src ~dst:pair.address ~source_port:1234 ~destination_port:80 ())
      done;
      sleep_ms 1 >>= fun () -> flood (i + 1)
    end
  in
  run
    ( Lwt.async (fun () -> flood 0);
      sleep_ms 5_000 >>= fun () ->
      let served = ref 0 in
      let attempt () =
        connect pair >>= fun result ->
        let flow = ok "connect" result in
        Tcp.write flow (Cstruct.of_string "x") >>= fun _ ->
        Tcp.read flow >>= fun result ->
        if Result.is_ok result then incr served;
        Tcp.close flow
      in
      times 200 attempt >>= fun () ->
      Alcotest.(check bool) (Printf.sprintf "%d of 200 served" !served) true (!served > 180);
      let channels = Tcp.num_open_channels pair.server in
      Alcotest.(check bool) (Printf.sprintf "%d connections at most" channels) true (channels < 600);
      flooding := false;
      sleep_ms 120_000 >|= fun () -> Alcotest.(check int) "none left" 0 (Tcp.num_open_channels pair.server) )

(* Numbers and ports of new connections: no two alike, no common step. *)
let unpredictable () =
  let pair = pair () in
  Tcp.listen pair.server ~port:80 echo;
  let seen = ref [] in
  let module Segment = Tcp_core.Segment in
  Wire.tap pair.wire (fun ~src:_ ~dst:_ payload ->
      match Segment.decode payload with
      | Some s when s.flags = Segment.Flags.syn -> seen := (Segment.source_port payload, s.sequence) :: !seen
      | _ -> ());
  run (times 50 (fun () -> exchange_one pair));
  let distinct list = List.length (List.sort_uniq compare list) in
  let steps list = List.map2 ( - ) (List.tl list) (List.rev (List.tl (List.rev list))) in
  let ports, numbers = List.split !seen in
  Alcotest.(check bool) "ports" true (distinct ports > 45 && distinct (steps ports) > 40);
  Alcotest.(check bool) "numbers" true (distinct numbers = 50 && distinct (steps numbers) = 49)

(* A port may be used again while its last connection is in TIME-WAIT. *)
let reused () =
  let pair = pair () in
  Tcp.listen pair.server ~port:80 (fun flow -> Tcp.close flow);
  let src = Ipaddr.of_string_exn "10.0.0.50" and dst = pair.address in
  let module Segment = Tcp_core.Segment in
  let answers = ref [] in
  Wire.tap pair.wire (fun ~src:_ ~dst payload -> if Ipaddr.compare dst src = 0 then
    Option.iter (fun s -> answers := s :: !answers) (Segment.decode payload));
  let send flags sequence ack = Wire.inject pair.wire ~src ~dst
    (segment ~flags ~sequence ~ack ~src ~dst ~source_port:5555 ~destination_port:80 ()); sleep_ms 10 in
  let last () = List.hd !answers in
  let open Segment.Flags in
  run
    ( send syn 1000 0 >>= fun () ->
      let iss = (last ()).sequence in
      send ack 1001 (iss + 1) >>= fun () ->
      send (fin lor ack) 1001 (iss + 2) >>= fun () ->
      Alcotest.(check int) "in TIME-WAIT" 1 (Tcp.num_open_channels pair.server);
      send syn 900 0 >>= fun () ->
      Alcotest.(check int) "an old SYN is only answered" ack (last ()).flags;
      send syn 2000 0 >|= fun () ->
      Alcotest.(check int) "a new one opens" (syn lor ack) (last ()).flags;
      Alcotest.(check bool) "with a number that goes on" true (Tcp_core.Sequence.near iss (last ()).sequence > iss) )

(* What comes in the same turn as a reset, before anything is sent. *)
let after_a_reset () =
  let pair = pair () in
  Tcp.listen pair.server ~port:80 echo;
  let src = Ipaddr.of_string_exn "10.0.0.50" and dst = pair.address in
  let module Segment = Tcp_core.Segment in
  let open Segment.Flags in
  let answers = ref [] in
  Wire.tap pair.wire (fun ~src:_ ~dst payload -> if Ipaddr.compare dst src = 0 then
    Option.iter (fun s -> answers := s :: !answers) (Segment.decode payload));
  let inject ?payload flags sequence ack = Wire.inject pair.wire ~src ~dst
    (segment ~flags ~sequence ~ack ?payload ~src ~dst ~source_port:5555 ~destination_port:80 ()) in
  let last () = List.hd !answers in
  let opened sequence =
    Alcotest.(check int) "opens" (syn lor ack) (last ()).flags;
    let own = (last ()).sequence + 1 in
    inject ack sequence own;
    sleep_ms 10 >|= fun () -> own
  in
  run
    ( inject syn 1000 0;
      sleep_ms 10 >>= fun () ->
      opened 1001 >>= fun own ->
      inject rst 1001 0;
      inject ~payload:(Cstruct.of_string "gone?") ack 1001 own;
      sleep_ms 10 >>= fun () ->
      Alcotest.(check (pair int int)) "data is refused" (rst, own) ((last ()).flags, (last ()).sequence);
      inject syn 5000 0;
      sleep_ms 10 >>= fun () ->
      opened 5001 >>= fun _ ->
      inject rst 5001 0;
      inject syn 7000 0;
      sleep_ms 10 >>= fun () ->
      opened 7001 >|= fun _ ->
      Alcotest.(check int) "and stays" 1 (Tcp.num_open_channels pair.server) )

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "streams"
    [
      ( "data",
        [
          case "both ways" streams;
          case "over bad wires" bad_wires;
          case "cards that cut packets" cards;
          case "the speed of a lossy wire" lossy_speed;
        ] );
      ("delays", [ case "questions and answers" questions; case "no stalls" no_stalls ]);
      ( "ends",
        [
          case "connecting" connecting;
          case "a callback that raises" raising;
          case "closing" closing;
          case "two readers" two_readers;
          case "a reader who gives up" cancelled_reader;
          case "keep-alive" keepalive;
          case "disconnecting" disconnected;
        ] );
      ( "many",
        [
          case "10,000 connections" one_after_another;
          case "500 at once" held_open;
          case "back-pressure" back_pressure;
          case "data that nobody reads" crowded;
          case "slow peers" slow_loris;
        ] );
      ("attacks", [ case "a flood of SYNs" flood; case "unpredictable" unpredictable; case "a port again" reused;
          case "after a reset" after_a_reset ]);
    ]
