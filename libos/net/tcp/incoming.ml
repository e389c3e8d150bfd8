open Tcb
module Flags = Segment.Flags

(* Whether one timestamp is before another, 32 bits each. *)
let[@inline] older a b = Sequence.near b a < b

let remember_timestamp t ~now (s : Segment.t) =
  t.ts_recent <- s.options.ts_value;
  t.ts_recent_at <- now

(* {2 Opening} *)

(* What both ends can do, by the options of the peer's SYN; the own offer was all. *)
let agree t ~now (s : Segment.t) =
  let { Options.mss; window_scale; sack_permitted; ts_value; _ } = s.options in
  let mss = Int.min t.own_mss (if mss > 0 then Int.max 64 mss else default_mss) in
  t.timestamps <- ts_value >= 0;
  if t.timestamps then remember_timestamp t ~now s;
  t.mss <- (if t.timestamps then mss - Options.size { Options.none with ts_value } else mss);
  t.burst <- (if t.burst > t.own_mss then t.burst - (t.burst mod t.mss) else t.mss);
  if window_scale >= 0 then begin
    (* RFC 7323, section 2.3 *)
    t.send_scale <- Int.min 14 window_scale;
    t.receive_scale <- Limits.window_scale
  end;
  t.sack <- sack_permitted;
  t.irs <- s.sequence;
  t.receive_next <- s.sequence + 1;
  t.last_ack <- t.receive_next;
  t.congestion <- Congestion.create ~mss:t.mss t.iss

let set_window t ~sequence ~ack window =
  t.peer_window <- window;
  t.largest_window <- Int.max t.largest_window window;
  t.window_sequence <- sequence;
  t.window_ack <- ack;
  if window > 0 && t.probe_at <> never then begin
    t.probe_at <- never;
    Rto.recovered t.rto
  end

let open_by t ~now (s : Segment.t) =
  agree t ~now s;
  t.phase <- Syn_received;
  set_window t ~sequence:s.sequence ~ack:t.iss s.window

(* {2 Acknowledgements} *)

let sample_round_trip t ~now ~ack (s : Segment.t) =
  if t.timestamps && s.options.ts_value >= 0 then begin
    let elapsed = Sequence.near 0 (timestamp t ~now - s.options.ts_echo) in
    if s.options.ts_echo <> 0 && elapsed >= 0 then Rto.sample t.rto (elapsed * 1_000_000)
  end
  else if t.timed_at <> never && ack >= t.timed then begin
    Rto.sample t.rto (now - t.timed_at);
    t.timed_at <- never
  end

let fin_acknowledged t ~now =
  match t.phase with
  | Fin_wait_1 ->
      t.phase <- Fin_wait_2;
      if t.orphan then t.expire_at <- now + Limits.orphan_wait
  | Closing -> wait_for_strays t ~now
  | Last_ack -> close t
  | _ -> ()

let blocks t (s : Segment.t) =
  List.filter
    (fun (_, behind) -> behind <= t.highest)
    (List.map (fun (first, behind) -> (Sequence.near t.una first, Sequence.near t.una behind)) s.options.sack)

(* The first acknowledgement of what was sent again echoes the timestamp of its first transmission: it was not lost (RFC
   3522). *)
let was_overtaken t (s : Segment.t) =
  t.timestamps && t.resent_until > t.una && s.options.ts_value >= 0 && older s.options.ts_echo t.resend_ts

(* [una] moves. *)
let advance t ~now ~ack (s : Segment.t) =
  let bytes = ack - t.una and flight = Int.max (flight t) (ack - t.una) in
  let overtaken = Congestion.recovering t.congestion && was_overtaken t s in
  sample_round_trip t ~now ~ack s;
  t.retries <- 0;
  t.probe_at <- never;
  t.una <- ack;
  t.next <- Int.max t.next ack;
  t.resent <- Int.max t.resent ack;
  Send_queue.acknowledge t.queue (Int.min ack (finish t));
  if s.options.sack <> [] || not (Scoreboard.is_empty t.scoreboard) then
    ignore (Scoreboard.update t.scoreboard ~una:ack (blocks t s));
  if overtaken then Congestion.undo t.congestion;
  if Congestion.acknowledged t.congestion ~una:ack ~bytes ~flight && not t.sack then t.resend <- true;
  t.retransmit_at <- (if ack = t.highest then never else now + Rto.current t.rto);
  await_tail t ~now;
  if t.finishing && ack > finish t then fin_acknowledged t ~now

(* What was sent after the lost segments were sent again has arrived, and they have not: they are lost again. *)
let lost_again t =
  let tolerated = Congestion.tolerance t.congestion ~flight:(flight t) * t.mss in
  if
    Congestion.recovering t.congestion
    && t.resent > t.una
    && Scoreboard.highest t.scoreboard ~una:t.una > t.resent_until + tolerated
  then begin
    t.resend <- true;
    t.resent <- t.una
  end

let begin_recovery t =
  Congestion.recover t.congestion ~flight:(flight t) ~highest:t.highest;
  t.tail_at <- never;
  t.resend <- true;
  t.resent <- t.una

(* Nothing moves: is it a sign of loss? (RFC 5681, section 2; RFC 6675) *)
let duplicate t (s : Segment.t) ~same_window =
  let is_news = t.sack && s.options.sack <> [] && Scoreboard.update t.scoreboard ~una:t.una (blocks t s) in
  if is_news || (same_window && Segment.space s = 0 && not t.sack) then begin
    let enough = Congestion.duplicate t.congestion ~una:t.una ~flight:(flight t) in
    let lost = t.sack && lost_before t > t.una in
    if (enough && not t.sack) || (lost && Congestion.may_recover t.congestion ~una:t.una) then begin_recovery t
    else if t.sack then lost_again t
  end

(* Whether the rest of the segment counts. *)
let acknowledgement t ~now ~sequence (s : Segment.t) =
  let ack = Sequence.near t.una s.ack in
  if ack > t.highest || ack < t.una - Int.max t.largest_window 0xffff then begin
    (* RFC 5961, section 5.2 *)
    challenge t ~now;
    false
  end
  else begin
    let window = s.window lsl t.send_scale in
    let same_window = window = t.peer_window in
    if ack > t.una then advance t ~now ~ack s
    else begin
      (* The peer lives, even if its window stays closed. *)
      if t.probe_at <> never && not t.orphan then t.retries <- 0;
      if ack = t.una && t.next > t.una then duplicate t s ~same_window
    end;
    if
      ack >= t.una
      && (t.window_sequence < sequence || (t.window_sequence = sequence && t.window_ack <= ack))
      && t.phase <> Closed
    then set_window t ~sequence ~ack window;
    true
  end

(* {2 Data} *)

let deliver t data = if t.reading then Receive_queue.push t.received data

(* Every second segment is acknowledged, and what the sender says is a whole message; else an acknowledgement waits. *)
let arrange_ack t ~now (s : Segment.t) =
  t.unacknowledged <- t.unacknowledged + 1;
  if t.quick > 0 then begin
    t.quick <- t.quick - 1;
    t.ack_now <- true
  end
  else if t.unacknowledged >= 2 || Segment.has s Flags.psh then t.ack_now <- true
  else if t.ack_at = never then t.ack_at <- now + Limits.delayed_ack

let in_order t ~now ~crowded (s : Segment.t) data =
  if crowded && not (Receive_queue.is_empty t.received) then t.ack_now <- true
  else begin
    deliver t data;
    t.receive_next <- t.receive_next + Cstruct.length data;
    if Reassembly.is_empty t.reassembly then arrange_ack t ~now s
    else begin
      t.receive_next <- Reassembly.take t.reassembly t.receive_next (deliver t);
      (* A gap is filled, at least in part (RFC 5681, section 4.2). *)
      t.ack_now <- true
    end
  end

let fin_arrived t ~now =
  t.receive_next <- t.receive_next + 1;
  t.fin_at <- never;
  t.ack_now <- true;
  Reassembly.clear t.reassembly;
  match t.phase with
  | Established -> t.phase <- Close_wait
  | Fin_wait_1 -> t.phase <- Closing
  | Fin_wait_2 -> wait_for_strays t ~now
  | _ -> ()

let text t ~now ~crowded ~sequence (s : Segment.t) =
  let edge = edge t in
  let behind = sequence + s.length in
  let first = Int.max sequence t.receive_next and cut = Int.min behind edge in
  if s.length > 0 then begin
    let data = match s.payload with [ data ] -> data | payload -> Cstruct.concat payload in
    if first >= cut then begin
      t.quick <- Limits.quick_acks;
      t.ack_now <- true
    end
    else if t.orphan && t.phase = Fin_wait_2 then
      (* Nobody will ever read it; what was to be said has arrived (RFC 9293, section 3.6.1). *)
      abort t Reset
    else begin
      let data =
        if first = sequence && cut = behind then data else Cstruct.sub data (first - sequence) (cut - first)
      in
      if first = t.receive_next then in_order t ~now ~crowded s data
      else begin
        if not crowded then Reassembly.insert t.reassembly first data;
        t.quick <- Limits.quick_acks;
        t.ack_now <- true
      end
    end
  end;
  if Segment.has s Flags.fin && cut = behind then t.fin_at <- behind;
  if t.fin_at = t.receive_next && t.phase <> Closed then fin_arrived t ~now

(* {2 All together} *)

let acceptable t ~sequence (s : Segment.t) =
  let space = Segment.space s in
  (* At the edge itself, where a closed window is probed, there is no room for data, but acknowledgements count. *)
  sequence <= edge t && if space = 0 then sequence >= t.receive_next else sequence + space > t.receive_next

let refresh_timestamp t ~now ~sequence (s : Segment.t) =
  if s.options.ts_value >= 0 && sequence <= t.last_ack && not (older s.options.ts_value t.ts_recent) then
    remember_timestamp t ~now s

(* Protection against wrapped sequence numbers (RFC 7323, section 5) *)
let too_old t ~now (s : Segment.t) =
  t.timestamps
  && s.options.ts_value >= 0
  && older s.options.ts_value t.ts_recent
  && now - t.ts_recent_at < Limits.paws_idle

let in_syn_sent t ~now (s : Segment.t) =
  let has_ack = Segment.has s Flags.ack in
  let ack = Sequence.near t.una s.ack in
  if has_ack && (ack <= t.iss || ack > t.highest) then t.reply <- Segment.reset s
  else if Segment.has s Flags.rst then begin
    if has_ack then fail t Refused
  end
  else if Segment.has s Flags.syn then begin
    agree t ~now s;
    set_window t ~sequence:s.sequence ~ack:t.iss s.window;
    if has_ack then begin
      t.phase <- Established;
      t.ack_now <- true;
      advance t ~now ~ack s
    end
    else begin
      (* Both open at once: the SYN is sent again, now with an acknowledgement. *)
      t.phase <- Syn_received;
      t.next <- t.iss
    end
  end

let in_syn_received t ~now ~sequence (s : Segment.t) =
  let ack = Sequence.near t.una s.ack in
  if ack <= t.iss || ack > t.highest then t.reply <- Segment.reset s
  else begin
    t.phase <- Established;
    advance t ~now ~ack s;
    t.window_sequence <- sequence - 1
  end

let in_time_wait t ~now ~sequence (s : Segment.t) =
  (* RFC 1337: a reset ends it no sooner. *)
  if Segment.space s > 0 && not (Segment.has s Flags.rst) then begin
    let is_the_fin = Segment.has s Flags.fin && sequence + Segment.space s = t.receive_next in
    if is_the_fin then t.expire_at <- now + Limits.time_wait;
    challenge t ~now
  end

let synchronized t ~now ~crowded ~sequence (s : Segment.t) =
  let syn_ack = Flags.(syn lor ack) in
  if t.phase = Syn_received && sequence + 1 = t.receive_next && s.flags land syn_ack = syn_ack then begin
    (* Both opened at once: the SYN of before, now with an acknowledgement. *)
    in_syn_received t ~now ~sequence s;
    t.ack_now <- true
  end
  else if t.timestamps && s.options.ts_value < 0 && not (Segment.has s Flags.rst) then ()
  else if too_old t ~now s && not (Segment.has s Flags.rst) then challenge t ~now
  else if not (acceptable t ~sequence s) then begin
    if not (Segment.has s Flags.rst) then if s.length > 0 then t.ack_now <- true else challenge t ~now
  end
  else if Segment.has s Flags.rst then
    if sequence = t.receive_next then fail t (if t.phase = Syn_received && not t.passive then Refused else Reset)
    else challenge t ~now
  else if Segment.has s Flags.syn then challenge t ~now
  else if Segment.has s Flags.ack then begin
    refresh_timestamp t ~now ~sequence s;
    if t.phase = Syn_received then in_syn_received t ~now ~sequence s;
    if t.phase <> Syn_received && acknowledgement t ~now ~sequence s then
      match t.phase with
      | Established | Fin_wait_1 | Fin_wait_2 -> text t ~now ~crowded ~sequence s
      | _ -> ()
  end

let segment t ~now ~crowded (s : Segment.t) =
  t.heard_at <- now;
  t.probes <- 0;
  match t.phase with
  | Closed -> ()
  | Syn_sent -> in_syn_sent t ~now s
  | Time_wait -> in_time_wait t ~now ~sequence:(Sequence.near t.receive_next s.sequence) s
  | _ -> synchronized t ~now ~crowded ~sequence:(Sequence.near t.receive_next s.sequence) s

let reopens t (s : Segment.t) =
  t.phase = Time_wait
  && s.flags land Flags.(syn lor ack lor rst) = Flags.syn
  &&
  if t.timestamps && s.options.ts_value >= 0 then
    older t.ts_recent s.options.ts_value
    || (t.ts_recent = s.options.ts_value && Sequence.near t.receive_next s.sequence > t.receive_next)
  else Sequence.near t.receive_next s.sequence > t.receive_next
