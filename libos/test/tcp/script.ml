open Tcp

type actor = {
  mutable tcb : Tcb.t option;
  create : passive:bool -> Tcb.t;
  iss : int;
  peer : int;
  mutable now : int;
  mutable since : int;
  mutable sent : (int * Segment.t) list;  (** When, and what; the first first. *)
}

let ms = 1_000_000
let fail fmt = Alcotest.failf fmt

(* {2 Payload} *)

(* The byte with the number [i] of a direction. *)
let byte i = Char.chr ((i * 7) land 0xff)
let pattern first length = Cstruct.of_string (String.init length (fun i -> byte (first + i)))
let check_pattern what first data =
  let expected = pattern first (Cstruct.length data) in
  if not (Cstruct.equal expected data) then fail "%s: wrong bytes at %d" what first

(* {2 Segments in words} *)

let flags_of text =
  let flag = function
    | 'S' -> Segment.Flags.syn
    | 'F' -> Segment.Flags.fin
    | 'R' -> Segment.Flags.rst
    | 'P' -> Segment.Flags.psh
    | '.' -> Segment.Flags.ack
    | other -> fail "no flag %c" other
  in
  Seq.fold_left (fun flags letter -> flags lor flag letter) 0 (String.to_seq text)

type field = Seq of int | Ack of int | Len of int | Win of int | Option of (Options.t -> Options.t) | At of int

let rec fields = function
  | [] -> []
  | "sackok" :: rest -> Option (fun o -> { o with sack_permitted = true }) :: fields rest
  | "ts" :: value :: echo :: rest ->
      let ts_value = int_of_string value and ts_echo = int_of_string echo in
      Option (fun o -> { o with ts_value; ts_echo }) :: fields rest
  | "sack" :: first :: behind :: rest ->
      let block = (int_of_string first, int_of_string behind) in
      Option (fun o -> { o with sack = o.sack @ [ block ] }) :: fields rest
  | name :: value :: rest ->
      let n = int_of_string value in
      let field =
        match name with
        | "seq" -> Seq n
        | "ack" -> Ack n
        | "len" -> Len n
        | "win" -> Win n
        | "mss" -> Option (fun o -> { o with mss = n })
        | "scale" -> Option (fun o -> { o with window_scale = n })
        | "at" -> At n
        | other -> fail "no field %s" other
      in
      field :: fields rest
  | [ word ] -> fail "%s has no value" word

(* Through the wire format, and its checksum. *)
let through_the_wire (segment : Segment.t) =
  let header = Cstruct.create (Segment.header_size segment) in
  Segment.encode segment ~source_port:80 ~destination_port:1024 ~pseudo:0xabc ~finish:true header;
  let whole = Cstruct.concat (header :: segment.payload) in
  let sum = Tcpip_checksum.ones_complement_list [ Cstruct.of_string "\x0a\xbc"; whole ] in
  if sum <> 0 then fail "wrong checksum of %a" Segment.pp segment;
  match Segment.decode whole with
  | Some decoded -> decoded
  | None -> fail "not decoded: %a" Segment.pp segment

(* Blocks in scripts count from this end's first number; on the wire they are absolute. *)
let absolute_blocks base (options : Options.t) =
  { options with sack = List.map (fun (first, behind) ->
    (Sequence.wire (base + first), Sequence.wire (base + behind))) options.sack }

let from_peer actor flags words =
  let add (segment : Segment.t) = function
    | Seq n -> { segment with sequence = Sequence.wire (actor.peer + n) }
    | Ack n -> { segment with ack = Sequence.wire (actor.iss + n) }
    | Len length -> { segment with length }
    | Win window -> { segment with window }
    | Option change -> { segment with options = change segment.options }
    | At _ -> fail "when it is sent is for wait to say"
  in
  let options = { Options.none with mss = 0 } in
  let start = { Segment.sequence = 0; ack = 0; flags; window = 65535; options; payload = []; length = 0 } in
  let segment = List.fold_left add start (fields words) in
  let first = Sequence.near 0 (segment.sequence - actor.peer) in
  let payload = if segment.length > 0 then [ pattern first segment.length ] else [] in
  through_the_wire { segment with payload; options = absolute_blocks actor.iss segment.options }

let pp_options ppf { Options.mss; window_scale; sack_permitted; ts_value; ts_echo; sack } =
  let blocks = Fmt.(list ~sep:sp (pair ~sep:(any "-") int int)) in
  Fmt.pf ppf "mss %d scale %d sackok %b ts %d %d sack %a" mss window_scale sack_permitted ts_value ts_echo blocks sack

(* Options are compared if any are written down: then all of them. *)
let check_options actor (segment : Segment.t) show fields =
  let relative (first, behind) = (Sequence.wire (first - actor.peer), Sequence.wire (behind - actor.peer)) in
  let found = { segment.options with sack = List.map relative segment.options.sack } in
  let add options = function Option change -> change options | _ -> options in
  let expected = List.fold_left add Options.none fields in
  if expected <> Options.none && expected <> found then
    fail "options should be %a, not %a: %s" pp_options expected pp_options found (show ())

let check_sent actor (time, (segment : Segment.t)) flags words =
  let show () = Fmt.str "%a at %d" Segment.pp { segment with sequence = Sequence.wire (segment.sequence - actor.iss);
    ack = Sequence.wire (segment.ack - actor.peer) } ((time - actor.since) / ms) in
  let check what expected found = if expected <> found then
    fail "%s should be %d, not %d: %s" what expected found (show ()) in
  check "flags" flags segment.flags;
  let check_field = function
    | Seq n -> check "seq" (Sequence.wire n) (Sequence.wire (segment.sequence - actor.iss))
    | Ack n -> check "ack" (Sequence.wire n) (Sequence.wire (segment.ack - actor.peer))
    | Len n -> check "len" n segment.length
    | Win n -> check "win" n segment.window
    | At n -> check "time" n ((time - actor.since) / ms)
    | Option _ -> ()
  in
  check_options actor segment show (fields words);
  List.iter check_field (fields words);
  (* The payload of what is retransmitted, too. *)
  let first = Sequence.near 0 (segment.sequence - actor.iss) in
  check_pattern "sent" first (Cstruct.concat segment.payload);
  check "length" (Cstruct.lenv segment.payload) segment.length

(* {2 Steps} *)

let tcb actor = match actor.tcb with Some tcb -> tcb | None -> fail "no connection yet"

let turn actor =
  let send segment = actor.sent <- actor.sent @ [ (actor.now, through_the_wire segment) ] in
  Option.iter (fun tcb -> Outgoing.segments tcb ~now:actor.now send) actor.tcb

let receive actor (segment : Segment.t) =
  match actor.tcb with
  | Some tcb -> Incoming.segment tcb ~now:actor.now ~crowded:false segment
  | None when segment.flags = Segment.Flags.syn ->
      let tcb = actor.create ~passive:true in
      Incoming.open_by tcb ~now:actor.now segment;
      actor.tcb <- Some tcb
  | None -> Option.iter (fun reset -> actor.sent <- actor.sent
    @ [ (actor.now, through_the_wire reset) ]) (Segment.reset segment)

let rec wait actor until =
  let deadline = match actor.tcb with Some tcb -> Timers.deadline tcb | None -> Tcb.never in
  if deadline > until then actor.now <- until
  else begin
    let tcb = tcb actor in
    let send segment = actor.sent <- actor.sent @ [ (actor.now, through_the_wire segment) ] in
    actor.now <- max actor.now deadline;
    Timers.expire tcb ~now:actor.now send;
    turn actor;
    if Timers.deadline tcb <= actor.now then fail "a timer that never ends";
    wait actor until
  end

let write actor ~no_delay length =
  let tcb = tcb actor in
  if not (Connection.can_write tcb) then fail "can't be written";
  Connection.write tcb ~no_delay (pattern (Tcb.finish tcb - actor.iss) length)

let read actor expected =
  let tcb = tcb actor in
  (* FIN has a number, too. *)
  let fin = match tcb.phase with Close_wait | Closing | Last_ack | Time_wait -> 1 | _ -> 0 in
  let at = tcb.receive_next - fin - Receive_queue.bytes tcb.received - actor.peer in
  let rec take total =
    if Receive_queue.is_empty tcb.received then total
    else
      match Connection.read tcb with
      | Data data ->
          check_pattern "read" (at + total) data;
          take (total + Cstruct.length data)
      | _ -> total
  in
  let found =
    match take 0 with
    | 0 -> (
        match Connection.read tcb with
        | Data _ -> "data"
        | Nothing_yet -> "nothing"
        | End -> "end"
        | Failed Refused -> "refused"
        | Failed Reset -> "reset"
        | Failed Timeout -> "timeout"
        | Failed Silent -> "silent")
    | total -> string_of_int total
  in
  Alcotest.(check string) "read" expected found

let phase_name = function
  | Tcb.Syn_sent -> "syn-sent"
  | Syn_received -> "syn-received"
  | Established -> "established"
  | Fin_wait_1 -> "fin-wait-1"
  | Fin_wait_2 -> "fin-wait-2"
  | Close_wait -> "close-wait"
  | Closing -> "closing"
  | Last_ack -> "last-ack"
  | Time_wait -> "time-wait"
  | Closed -> "closed"

let act actor words =
  match words with
  | "<" :: flags :: words -> receive actor (from_peer actor (flags_of flags) words)
  | [ "connect" ] ->
      let tcb = actor.create ~passive:false in
      Connection.connect tcb;
      actor.tcb <- Some tcb
  | [ "write"; n ] -> write actor ~no_delay:false (int_of_string n)
  | [ "write!"; n ] -> write actor ~no_delay:true (int_of_string n)
  | [ "read"; expected ] -> read actor expected
  | [ "shutdown" ] -> Connection.shutdown_write (tcb actor)
  | [ "deaf" ] -> Connection.shutdown_read (tcb actor)
  | [ "close" ] -> Connection.close (tcb actor) ~now:actor.now
  | [ "wait"; n ] -> wait actor (actor.now + (int_of_string n * ms))
  | [ "state"; name ] -> Alcotest.(check string) "state" name (phase_name (tcb actor).phase)
  | words -> fail "not understood: %s" (String.concat " " words)

let words text = List.filter (( <> ) "") (String.split_on_char ' ' text)

let nothing_more actor =
  match actor.sent with
  | [] -> ()
  | sent -> fail "was sent, too: %a" Fmt.(list ~sep:comma (using snd Segment.pp)) sent

let step actor text =
  match words text with
  | ">" :: flags :: words -> (
      match actor.sent with
      | [] -> fail "nothing was sent"
      | first :: rest ->
          actor.sent <- rest;
          check_sent actor first (flags_of flags) words)
  | _ ->
      nothing_more actor;
      actor.since <- actor.now;
      List.iter (fun action -> act actor (words action)) (String.split_on_char ';' text);
      turn actor

let play ?(mss = 1460) ?burst ?keepalive ?(iss = 4_000_000_000) ?(peer = 4_294_967_000) steps =
  let start = 5_000 * ms in
  let burst = Option.value burst ~default:mss in
  let create ~passive = Tcb.create ~passive ~mss ~burst ~iss ~ts_offset:0 ~keepalive ~now:start in
  let actor = { tcb = None; create; iss; peer; now = start; since = start; sent = [] } in
  let play_step i text =
    try step actor text
    with exn ->
      Printf.printf "step %d: %s\n" i text;
      raise exn
  in
  List.iteri play_step steps;
  nothing_more actor
