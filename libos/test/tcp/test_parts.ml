(* The parts of TCP against simple models, with random but repeatable operations. *)

open Tcp

let random = Random.State.make [| 793 |]
let pick n = Random.State.int random n
let times n f = for _ = 1 to n do f () done
let check_int name expected found = Alcotest.(check int) name expected found
let bytes_at first length = String.init length (fun i -> Char.chr ((first + i) * 7 land 0xff))
let text data = Cstruct.to_string data

(* {2 Sequence numbers} *)

let sequence () =
  times 100_000 (fun () ->
      let reference = Random.State.bits random lsl 6 in
      let distance = Random.State.bits random * if Random.State.bool random then 1 else -1 in
      check_int "near" (reference + distance) (Sequence.near reference (Sequence.wire (reference + distance))));
  check_int "as far ahead as it goes" 0x7fffffff (Sequence.near 0 0x7fffffff);
  check_int "as far back" (-0x80000000) (Sequence.near 0 0x80000000)

(* {2 Options and segments} *)

let uint32 () = Random.State.bits random lor (pick 4 lsl 30)

let random_options () =
  let some value none = if Random.State.bool random then value else none in
  {
    Options.mss = some (1 + pick 65535) 0;
    window_scale = some (pick 256) (-1);
    sack_permitted = Random.State.bool random;
    ts_value = -1;
    ts_echo = 0;
    sack = [];
  }
  |> fun o ->
  if Random.State.bool random then { o with ts_value = uint32 (); ts_echo = uint32 () }
  else if o.sack_permitted || o.mss > 0 then o
  else { o with sack = List.init (1 + pick 3) (fun _ -> (uint32 (), uint32 ())) }

let segments () =
  times 5_000 (fun () ->
      let payload = Cstruct.of_string (bytes_at (pick 100) (pick 50)) in
      let length = Cstruct.length payload in
      let payload = if length = 0 then [] else [ payload ] in
      let options = random_options () in
      let segment = { Segment.sequence = uint32 (); ack = uint32 (); flags = pick 64; window = pick 65536; options;
        payload; length } in
      let header = Cstruct.create (Segment.header_size segment) in
      let pseudo = pick 65536 in
      Segment.encode segment ~source_port:80 ~destination_port:99 ~pseudo ~finish:true header;
      let pseudo_bytes = Cstruct.create 2 in
      Cstruct.BE.set_uint16 pseudo_bytes 0 pseudo;
      let whole = Cstruct.concat (header :: payload) in
      check_int "checksum" 0 (Tcpip_checksum.ones_complement_list [ pseudo_bytes; whole ]);
      check_int "ports" (80 + 99) (Segment.source_port whole + Segment.destination_port whole);
      match Segment.decode whole with
      | None -> Alcotest.fail "not decoded"
      | Some found ->
          if { found with payload = [] } <> { segment with payload = [] } then
            Alcotest.failf "%a became %a" Segment.pp segment Segment.pp found;
          Alcotest.(check string) "payload" (text (Cstruct.concat payload)) (text (Cstruct.concat found.payload)))

(* Whatever is in the header, decoding ends and stays inside. *)
let garbage () =
  times 100_000 (fun () ->
      let buffer = Cstruct.of_string (String.init (20 + pick 60) (fun _ -> Char.chr (pick 256))) in
      if Random.State.bool random then Cstruct.set_uint8 buffer 12 ((5 + pick 11) lsl 4);
      match Segment.decode buffer with
      | None -> ()
      | Some { length; payload; options; _ } ->
          check_int "payload" length (Cstruct.lenv payload);
          List.iter (fun (a, b) -> Alcotest.(check bool) "32 bits" true (a lsr 32 = 0 && b lsr 32 = 0)) options.sack)

let layout () =
  let options = { Options.none with mss = 1460; window_scale = 7; sack_permitted = true; ts_value = 1; ts_echo = 2 } in
  let buffer = Cstruct.create (Options.size options) in
  Options.write options buffer 0;
  Alcotest.(check string) "all options" "0101080a0000000100000002020405b40103030701010402"
    (Fmt.str "%a" Fmt.(list ~sep:nop (fmt "%02x")) (List.map Char.code (List.of_seq (String.to_seq (text buffer)))));
  let read bytes = Options.read (Cstruct.of_string bytes) 0 (String.length bytes) in
  let mss bytes = (read bytes).mss in
  check_int "unknown ones are skipped" 1460 (mss "\xfe\x04ab\x02\x04\x05\xb4");
  check_int "nothing behind the end" 0 (mss "\x00\x02\x04\x05\xb4\x00\x00\x00");
  check_int "a length of 0" 0 (mss "\x05\x00\x02\x04\x05\xb4\x00\x00");
  check_int "a length too long" 0 (mss "\x02\x05\x05\xb4");
  check_int "a length cut off" 0 (mss "\x01\x01\x01\x02");
  check_int "a wrong length of a known one" 0 (mss "\x02\x03\x05\x01")

(* {2 Queues} *)

let send_queue () =
  times 300 (fun () ->
      let start = pick 1000 in
      let queue = Send_queue.create start in
      let model = ref "" and first = ref start in
      times 200 (fun () ->
          match pick 3 with
          | 0 ->
              let more = bytes_at (!first + String.length !model) (pick 40) in
              Send_queue.append queue (Cstruct.of_string more);
              model := !model ^ more
          | 1 ->
              let count = pick (String.length !model + 1) in
              Send_queue.acknowledge queue (!first + count);
              model := String.sub !model count (String.length !model - count);
              first := !first + count
          | _ ->
              let offset = pick (String.length !model + 1) in
              let length = pick (String.length !model - offset + 1) in
              let slice = Send_queue.slice queue (!first + offset) length in
              Alcotest.(check bool) "no empty part" true (List.for_all (fun part -> Cstruct.length part > 0) slice);
              Alcotest.(check string) "slice" (String.sub !model offset length) (text (Cstruct.concat slice)));
      check_int "start" !first (Send_queue.start queue);
      check_int "finish" (!first + String.length !model) (Send_queue.finish queue))

let receive_queue () =
  times 300 (fun () ->
      let queue = Receive_queue.create () in
      let model = Buffer.create 100 and out = Buffer.create 100 and held = ref 0 in
      times 200 (fun () ->
          if pick 5 < 3 then begin
            (* Small parts of large frames, and whole frames. *)
            let frame = Cstruct.of_string (bytes_at (pick 256) (1 + pick 3000)) in
            let data = if Random.State.bool random then frame else
              Cstruct.sub frame 0 (1 + pick (Cstruct.length frame)) in
            Receive_queue.push queue data;
            Buffer.add_string model (text data);
            held := !held + Cstruct.length data
          end
          else if not (Receive_queue.is_empty queue) then begin
            let data = Receive_queue.pop queue in
            Buffer.add_string out (text data);
            held := !held - Cstruct.length data
          end;
          check_int "bytes" !held (Receive_queue.bytes queue));
      while not (Receive_queue.is_empty queue) do Buffer.add_string out (text (Receive_queue.pop queue)) done;
      Alcotest.(check bool) "the same in the same order" true
        (String.equal (Buffer.contents model) (Buffer.contents out)))

(* A peer that sends single bytes in large frames. *)
let small_pieces () =
  let queue = Receive_queue.create () and reassembly = Reassembly.create () in
  Gc.compact ();
  let frame () = Cstruct.sub (Cstruct.create 2048) 100 1 in
  let kept = ref 0 in
  let watch data =
    kept := !kept + Bigarray.Array1.dim data.Cstruct.buffer
  in
  times 10_000 (fun () -> Receive_queue.push queue (frame ()));
  for i = 1 to 1000 do Reassembly.insert reassembly (2 * i) (frame ()) done;
  while not (Receive_queue.is_empty queue) do watch (Receive_queue.pop queue) done;
  Alcotest.(check bool) (Printf.sprintf "%d bytes for 10,000" !kept) true (!kept < 15_000);
  kept := 0;
  for i = 1 to 1000 do Reassembly.insert reassembly ((2 * i) + 1) (frame ()) done;
  ignore (Reassembly.take reassembly 2 watch);
  Alcotest.(check bool) (Printf.sprintf "%d bytes for 2,000" !kept) true (!kept < 3_000)

let reassembly () =
  times 700 (fun () ->
      let t = Reassembly.create () in
      let have = Bytes.make 400 '.' and next = ref 0 in
      times 60 (fun () ->
          let start = !next + pick 60 in
          let length = min (pick 30) (400 - start) in
          if length > 0 then begin
            Reassembly.insert t start (Cstruct.of_string (bytes_at start length));
            Bytes.fill have start length 'x'
          end;
          let blocks = Reassembly.blocks t 1000 in
          let held = ref 0 in
          Bytes.iteri (fun i c -> if i >= !next && c = 'x' then incr held) have;
          check_int "bytes" !held (Reassembly.bytes t);
          check_int "blocks" !held (List.fold_left (fun sum (a, b) -> sum + b - a) 0 blocks);
          if length > 0 then begin
            let first, behind = List.hd blocks in
            Alcotest.(check bool) "the latest first" true (first <= start && start + length <= behind)
          end;
          if pick 3 = 0 then begin
            (* As if the segment that was missing came, of some length. *)
            let from = min 400 (!next + pick 20) in
            Bytes.fill have !next (from - !next) 'x';
            let at = ref from in
            let deliver data =
              Alcotest.(check string) "in order" (bytes_at !at (Cstruct.length data)) (text data);
              at := !at + Cstruct.length data
            in
            let reached = Reassembly.take t from deliver in
            check_int "delivered" reached !at;
            let gap = match Bytes.index_from_opt have from '.' with Some i -> i | None -> 400 in
            check_int "up to the gap" gap reached;
            next := reached
          end))

(* {2 Loss} *)

let scoreboard () =
  times 700 (fun () ->
      let t = Scoreboard.create () in
      let have = Array.make 400 false and una = ref 0 in
      times 40 (fun () ->
          if pick 4 = 0 then una := min 399 (!una + pick 20);
          let blocks = List.init (pick 4) (fun _ -> let first = pick 380 in (first, first + pick 20)) in
          let is_new = ref false in
          List.iter
            (fun (first, behind) ->
              if behind > !una then
                for i = max first !una to behind - 1 do
                  if not have.(i) then is_new := true;
                  have.(i) <- true
                done)
            blocks;
          let said = Scoreboard.update t ~una:!una (List.map (fun (a, b) -> (max a !una, b)) blocks) in
          Alcotest.(check bool) "news" !is_new said;
          let count from before =
            let sum = ref 0 in
            for i = max from !una to before - 1 do if have.(i) then incr sum done;
            !sum
          in
          (* A run that the acknowledgement cut is still counted whole; what is before is of no interest. *)
          let at = !una + pick (400 - !una) in
          if not have.(!una) then begin
            check_int "received" (count !una at) (Scoreboard.received t ~before:at);
            check_int "missing" (400 - at - count at 400) (Scoreboard.missing t ~from:at ~before:400)
          end;
          let first, next = Scoreboard.gap t at in
          let rec gap i = if i < 400 && have.(i) then gap (i + 1) else i in
          let rec run i = if i < 400 && not have.(i) then run (i + 1) else i in
          check_int "gap" (gap at) first;
          check_int "until" (if run first = 400 then max_int else run first) next;
          let lost = Scoreboard.lost_before t ~beyond:20 ~una:!una in
          if lost > !una then
            Alcotest.(check bool) "lost" true (count lost 400 > 20 && have.(lost) && not have.(lost - 1))
          else if not have.(!una) then Alcotest.(check bool) "nothing is lost" true (count !una 400 <= 20)))

let rto () =
  let ms n = n * 1_000_000 in
  let t = Rto.create () in
  check_int "at first" (ms 1000) (Rto.current t);
  Rto.sample t (ms 100);
  check_int "one sample: three times" (ms 300) (Rto.current t);
  Rto.sample t (ms 100);
  check_int "steadier" (ms 250) (Rto.current t);
  times 50 (fun () -> Rto.sample t (ms 100));
  check_int "not below" (ms 200) (Rto.current t);
  Rto.back_off t;
  Rto.back_off t;
  check_int "doubled twice" (ms 800) (Rto.current t);
  times 20 (fun () -> Rto.back_off t);
  check_int "not above" (ms 60_000) (Rto.current t);
  Rto.sample t (ms 400);
  Alcotest.(check bool) "no more" true (Rto.current t < ms 500)

let congestion () =
  let mss = 1000 in
  let t = Congestion.create ~mss 0 in
  check_int "initial window" 10_000 (Congestion.window t);
  check_int "of large segments" 18_000 (Congestion.window (Congestion.create ~mss:9000 0));
  ignore (Congestion.acknowledged t ~una:1000 ~bytes:10_000 ~flight:10_000);
  check_int "slow start, but not too fast" 18_000 (Congestion.window t);
  ignore (Congestion.acknowledged t ~una:1000 ~bytes:1_000 ~flight:1_000);
  check_int "not what is not made use of" 18_000 (Congestion.window t);
  Congestion.recover t ~flight:18_000 ~highest:50_000;
  check_int "half" 9_000 (Congestion.window t);
  for _ = 1 to 8 do ignore (Congestion.duplicate t ~una:10_000 ~flight:18_000) done;
  check_int "eight have left" 8_000 (Congestion.left t);
  Alcotest.(check bool) "goes on" true (Congestion.acknowledged t ~una:40_000 ~bytes:5_000 ~flight:18_000);
  check_int "five of them were told of, and one more has" 4_000 (Congestion.left t);
  Alcotest.(check bool) "done" false (Congestion.acknowledged t ~una:50_000 ~bytes:5_000 ~flight:13_000);
  check_int "no burst" 9_000 (Congestion.window t);
  for i = 1 to 9 do ignore (Congestion.acknowledged t ~una:(50_000 + i) ~bytes:1_000 ~flight:9_000) done;
  check_int "one segment a round trip" 10_000 (Congestion.window t);
  Congestion.timed_out t ~flight:10_000 ~highest:60_000 ~again:false;
  check_int "one segment" 1_000 (Congestion.window t);
  for i = 1 to 4 do ignore (Congestion.acknowledged t ~una:(60_000 + i) ~bytes:1_000 ~flight:1_000_000) done;
  check_int "slow start to the half" 5_000 (Congestion.window t);
  ignore (Congestion.acknowledged t ~una:70_000 ~bytes:1_000 ~flight:1_000_000);
  check_int "then slower" 5_000 (Congestion.window t)

(* {2 Tables} *)

let alarms () =
  times 300 (fun () ->
      let t = Alarms.create () in
      let make i = { Alarms.owner = i; at = max_int; place = -1 } in
      let all = Array.init 20 make and model = Array.make 20 max_int in
      times 100 (fun () ->
          let i = pick 20 in
          match pick 4 with
          | 0 ->
              Alarms.remove t all.(i);
              model.(i) <- max_int
          | 1 -> (
              let first = Array.fold_left min max_int model in
              check_int "next" first (Alarms.next t);
              let now = pick 1000 in
              match Alarms.ringing t ~now with
              | None -> Alcotest.(check bool) "none yet" true (first > now)
              | Some i ->
                  check_int "the first" first model.(i);
                  model.(i) <- max_int)
          | _ ->
              let time = pick 1000 in
              Alarms.set t all.(i) time;
              model.(i) <- min model.(i) time))

module Int_table = Table.Make (struct
  type t = int

  let equal = Int.equal

  (* Few values: chains get long. *)
  let hash seed address = seed lxor (address land 3)
end)

let table () =
  let t = Int_table.create ~seed:7 and model = Hashtbl.create 10 in
  times 20_000 (fun () ->
      let local = pick 3 and remote = pick 100 and ports = Int_table.ports ~local:(pick 4) ~remote:(pick 4) in
      let key = (ports, local, remote) in
      (match pick 3 with
      | 0 -> if not (Hashtbl.mem model key) then begin
        Hashtbl.add model key (pick 1000); Int_table.add t ~ports ~local ~remote (Hashtbl.find model key) end
      | 1 -> Hashtbl.remove model key; Int_table.remove t ~ports ~local ~remote
      | _ -> Alcotest.(check (option int)) "found" (Hashtbl.find_opt model key)
        (Int_table.find t ~ports ~local ~remote));
      check_int "length" (Hashtbl.length model) (Int_table.length t));
  let sum = ref 0 in
  Int_table.iter (fun value -> sum := !sum + value) t;
  check_int "all" (Hashtbl.fold (fun _ value sum -> sum + value) model 0) !sum

let half_open () =
  let t = Half_open.create ~most:10 in
  let there = Hashtbl.create 10 in
  for i = 0 to 10_000 do
    let slot, left = Half_open.add t ~random:pick i in
    Hashtbl.add there i slot;
    Option.iter
      (fun j ->
        Alcotest.(check bool) "was there" true (Hashtbl.mem there j && j <> i);
        let slot = Hashtbl.find there j in
        Hashtbl.remove there j;
        Half_open.remove t slot)
      left;
    Alcotest.(check bool) "not too many" true (Hashtbl.length there <= 10);
    if pick 4 = 0 then
      match Hashtbl.to_seq there () with
      | Seq.Cons ((j, slot), _) -> Hashtbl.remove there j; Half_open.remove t slot
      | Seq.Nil -> ()
  done

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "parts"
    [
      ("sequence", [ case "near" sequence ]);
      ("segments", [ case "there and back" segments; case "garbage" garbage; case "layout" layout ]);
      ("queues", [ case "send" send_queue; case "receive" receive_queue; case "small pieces" small_pieces;
        case "reassembly" reassembly ]);
      ("loss", [ case "scoreboard" scoreboard; case "time-out" rto; case "congestion" congestion ]);
      ("tables", [ case "alarms" alarms; case "connections" table; case "half-open" half_open ]);
    ]
