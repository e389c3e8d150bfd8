open Tcb
module Flags = Segment.Flags

(* The window that the header tells. Its right edge moves by no small steps (RFC 9293, section 3.8.6.2.2). *)
let advertise t =
  let edge = t.receive_next + room t in
  if edge - t.advertised >= Int.min (2 * t.own_mss) (t.receive_limit / 2) then t.advertised <- edge;
  Int.min 0xffff (Int.max 0 (t.advertised - t.receive_next) lsr t.receive_scale)

let most_blocks = 3

(* Blocks would make a full segment too long. *)
let options t ~now ~length =
  let sack =
    if Reassembly.is_empty t.reassembly || (not t.sack) || 2 * length > t.mss then []
    else
      List.map
        (fun (first, behind) -> (Sequence.wire first, Sequence.wire behind))
        (Reassembly.blocks t.reassembly most_blocks)
  in
  if t.timestamps then { Options.none with ts_value = timestamp t ~now; ts_echo = t.ts_recent; sack }
  else if sack = [] then Options.none
  else { Options.none with sack }

let acknowledged t =
  t.ack_now <- false;
  t.ack_at <- never;
  t.unacknowledged <- 0;
  t.last_ack <- t.receive_next

let segment t ~now ~flags ~sequence ~payload ~length =
  {
    Segment.sequence = Sequence.wire sequence;
    ack = Sequence.wire t.receive_next;
    flags;
    window = advertise t;
    options = options t ~now ~length;
    payload;
    length;
  }

let acknowledge t ~now send =
  let segment = segment t ~now ~flags:Flags.ack ~sequence:(position t) ~payload:[] ~length:0 in
  acknowledged t;
  send segment

let keepalive t ~now = segment t ~now ~flags:Flags.ack ~sequence:(t.una - 1) ~payload:[] ~length:0

(* An acknowledgement of what was just sent is waited for. *)
let await t ~now =
  if t.next > t.highest then begin
    if t.timed_at = never && not t.timestamps then begin
      t.timed <- t.next;
      t.timed_at <- now
    end;
    t.highest <- t.next
  end;
  if t.retransmit_at = never then t.retransmit_at <- now + Rto.current t.rto;
  t.sent_at <- now

(* SYN, or in answer to one SYN and ACK, with what is offered, or what of the peer's offer is taken. *)
let synchronize t ~now send =
  let active = t.phase = Syn_sent in
  let window = Int.min 0xffff (room t) in
  let options =
    {
      Options.mss = t.own_mss;
      window_scale = (if active then Limits.window_scale else if t.receive_scale > 0 then t.receive_scale else -1);
      sack_permitted = active || t.sack;
      ts_value = (if active || t.timestamps then timestamp t ~now else -1);
      ts_echo = t.ts_recent;
      sack = [];
    }
  in
  let flags = if active then Flags.syn else Flags.(syn lor ack) in
  let ack = if active then 0 else Sequence.wire t.receive_next in
  t.advertised <- t.receive_next + window;
  t.next <- t.iss + 1;
  await t ~now;
  acknowledged t;
  send { Segment.sequence = Sequence.wire t.iss; ack; flags; window; options; payload = []; length = 0 }

let data t ~now send ~sequence ~length =
  let behind = sequence + length in
  let last = behind = finish t in
  let fin = last && t.finishing in
  let flags = if fin then Flags.(ack lor psh lor fin) else if last then Flags.(ack lor psh) else Flags.ack in
  let payload = if length = 0 then [] else Send_queue.slice t.queue sequence length in
  let flags = if length = 0 then flags land lnot Flags.psh else flags in
  let segment = segment t ~now ~flags ~sequence ~payload ~length in
  acknowledged t;
  send segment;
  if fin then behind + 1 else behind

(* What of the flight is known to be under way no more. *)
let left t =
  if not t.sack then Congestion.left t.congestion
  else if Scoreboard.is_empty t.scoreboard then 0
  else
    let received = Scoreboard.received t.scoreboard ~before:t.next in
    if not (Congestion.recovering t.congestion) then received
    else
      let lost = lost_before t in
      received + Scoreboard.missing t.scoreboard ~from:(Int.max t.una t.resent) ~before:lost

let congestion_room t = Congestion.window t.congestion - (flight t - left t)

let resend t ~now send ~sequence ~before =
  let length = Int.max 0 (Int.min t.mss (Int.min before (finish t) - sequence)) in
  t.resend <- false;
  if t.resent <= t.una then begin
    t.resend_ts <- timestamp t ~now;
    t.resent_until <- t.highest
  end;
  let behind = data t ~now send ~sequence ~length in
  t.resent <- behind;
  t.highest <- Int.max t.highest behind;
  await t ~now

(* Fast recovery: the first lost segment is sent again whatever the windows say; the others, which only selective
   acknowledgements tell of, as the congestion window has room (RFC 6675, section 5). *)
let rec repair t ~now send =
  if not (t.sack && Congestion.recovering t.congestion) then begin
    if t.resend then resend t ~now send ~sequence:t.una ~before:t.highest
  end
  else
    let lost = lost_before t in
    let sequence, before = Scoreboard.gap t.scoreboard (Int.max t.una t.resent) in
    if t.resend || (sequence < lost && congestion_room t >= t.mss) then begin
      resend t ~now send ~sequence ~before;
      repair t ~now send
    end

(* Nagle's algorithm with Minshall's change: one small segment may be under way, not one and the end of another write.
*)
let hold t ~now =
  let held = t.small > t.una && (not t.finishing) && finish t > t.no_delay in
  if held && t.release_at = never then t.release_at <- now + Limits.small_segment;
  held

(* A window that does not open is probed with the first byte behind it; of one too small to be worth a segment all is
   made use of (RFC 9293, sections 3.8.6.1 and 3.8.6.2.1). *)
let probe t ~now send =
  let length = Int.max 1 (Int.min (min t.mss (finish t - t.una)) t.peer_window) in
  let behind = data t ~now send ~sequence:t.una ~length in
  t.highest <- Int.max t.highest behind;
  t.sent_at <- now

let transmit t ~now send length =
  t.next <- data t ~now send ~sequence:t.next ~length;
  await t ~now;
  if length < t.mss && length > 0 then t.small <- t.next;
  if t.next >= finish t then t.release_at <- never;
  t.probe_at <- never;
  await_tail t ~now

let tail_probe t ~now send =
  t.tail_at <- never;
  t.tail_probed <- t.highest;
  let queued = Int.min (finish t - t.next) (t.una + t.peer_window - t.next) in
  if queued > 0 then transmit t ~now send (Int.min t.mss queued)
  else begin
    let behind = Int.min t.highest (finish t) in
    let sequence = Int.max t.una (behind - t.mss) in
    ignore (data t ~now send ~sequence ~length:(behind - sequence))
  end;
  t.retransmit_at <- now + Rto.current t.rto

(* After a time-out all is sent again but what the peer is known to have. *)
let skip_received t =
  if t.next < t.highest && not (Scoreboard.is_empty t.scoreboard) then begin
    let next, before = Scoreboard.gap t.scoreboard t.next in
    t.next <- Int.min next t.highest;
    before - t.next
  end
  else max_int

let rec new_data t ~now send =
  let gap = skip_received t in
  let queued = finish t - t.next in
  if queued > 0 then begin
    let again = t.next < t.highest in
    let whole = Int.min queued (if again then Int.min t.mss gap else t.burst) in
    let window = t.una + t.peer_window - t.next in
    let length = Int.min whole (Int.min window (congestion_room t)) in
    let length = if length > t.mss && length < queued then length - (length mod t.mss) else length in
    let due =
      length >= t.mss
      || (length = whole && (again || not (hold t ~now)))
      || (length = window && 2 * length >= t.largest_window)
    in
    if length > 0 && due then begin
      transmit t ~now send length;
      new_data t ~now send
    end
  end
  else if queued = 0 && t.finishing then transmit t ~now send 0

(* Nothing is under way whose acknowledgement could open the window: its opening may have got lost. *)
let await_window t ~now =
  if t.retransmit_at = never && t.probe_at = never && t.release_at = never && finish t > t.next then
    t.probe_at <- now + Rto.current t.rto

let segments t ~now send =
  (match t.reply with
  | Some segment ->
      t.reply <- None;
      send segment
  | None -> ());
  match t.phase with
  | Closed -> ()
  | Syn_sent -> if t.next = t.iss then synchronize t ~now send
  | Syn_received -> if t.next = t.iss || t.ack_now then synchronize t ~now send
  | Established | Fin_wait_1 | Close_wait | Closing | Last_ack ->
      if t.next = t.una && now - t.sent_at > Rto.current t.rto then Congestion.was_idle t.congestion;
      repair t ~now send;
      new_data t ~now send;
      await_window t ~now;
      if t.ack_now then acknowledge t ~now send
  | Fin_wait_2 | Time_wait -> if t.ack_now then acknowledge t ~now send
