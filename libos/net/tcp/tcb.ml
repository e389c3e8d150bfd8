type phase =
  | Syn_sent
  | Syn_received
  | Established
  | Fin_wait_1
  | Fin_wait_2
  | Close_wait
  | Closing
  | Last_ack
  | Time_wait
  | Closed

type failure = Refused | Reset | Timeout | Silent
type keepalive = { after : int; interval : int; probes : int }

type t = {
  passive : bool;
  mutable phase : phase;
  mutable failure : failure option;
  (* Sending *)
  queue : Send_queue.t;
  iss : Sequence.t;
  mutable una : Sequence.t;
  mutable next : Sequence.t;
  mutable highest : Sequence.t;
  mutable peer_window : int;
  mutable largest_window : int;
  mutable window_sequence : Sequence.t;
  mutable window_ack : Sequence.t;
  mutable send_scale : int;
  mutable mss : int;
  mutable burst : int;
  mutable finishing : bool;
  mutable no_delay : Sequence.t;
  mutable small : Sequence.t;
  mutable sent_at : int;
  (* Loss *)
  rto : Rto.t;
  mutable congestion : Congestion.t;
  scoreboard : Scoreboard.t;
  mutable resend : bool;
  mutable resent : Sequence.t;
  mutable resent_until : Sequence.t;
  mutable resend_ts : int;
  mutable tail_probed : Sequence.t;
  mutable timed : Sequence.t;
  mutable timed_at : int;
  mutable retries : int;
  (* Receiving *)
  received : Receive_queue.t;
  reassembly : Reassembly.t;
  mutable irs : Sequence.t;
  mutable receive_next : Sequence.t;
  mutable advertised : Sequence.t;
  mutable receive_scale : int;
  mutable receive_limit : int;
  mutable consumed : int;
  mutable fin_at : Sequence.t;
  mutable reading : bool;
  mutable orphan : bool;
  (* Options *)
  own_mss : int;
  mutable sack : bool;
  mutable timestamps : bool;
  ts_offset : int;
  mutable ts_recent : int;
  mutable ts_recent_at : int;
  (* Acknowledging *)
  mutable ack_now : bool;
  mutable unacknowledged : int;
  mutable quick : int;
  mutable last_ack : Sequence.t;
  mutable reply : Segment.t option;
  mutable challenged_at : int;
  mutable challenges : int;
  (* Timers *)
  mutable retransmit_at : int;
  mutable tail_at : int;
  mutable probe_at : int;
  mutable ack_at : int;
  mutable release_at : int;
  mutable expire_at : int;
  keepalive : keepalive option;
  mutable heard_at : int;
  mutable probes : int;
  mutable asked_at : int;
}

let never = max_int

(* RFC 9293, section 3.7.1 *)
let default_mss = 536

let create ~passive ~mss ~burst ~iss ~ts_offset ~keepalive ~now =
  {
    passive;
    phase = Closed;
    failure = None;
    queue = Send_queue.create (iss + 1);
    iss;
    una = iss;
    next = iss;
    highest = iss;
    peer_window = 0;
    largest_window = 0;
    window_sequence = 0;
    window_ack = 0;
    send_scale = 0;
    mss = Int.min mss default_mss;
    burst;
    finishing = false;
    no_delay = 0;
    small = 0;
    sent_at = now;
    rto = Rto.create ();
    congestion = Congestion.create ~mss iss;
    scoreboard = Scoreboard.create ();
    resend = false;
    resent = iss;
    resent_until = iss;
    resend_ts = 0;
    tail_probed = iss;
    timed = 0;
    timed_at = never;
    retries = 0;
    received = Receive_queue.create ();
    reassembly = Reassembly.create ();
    irs = 0;
    receive_next = 0;
    advertised = 0;
    receive_scale = 0;
    receive_limit = Limits.receive_least;
    consumed = 0;
    fin_at = never;
    reading = true;
    orphan = false;
    own_mss = mss;
    sack = false;
    timestamps = false;
    ts_offset;
    ts_recent = 0;
    ts_recent_at = now;
    ack_now = false;
    unacknowledged = 0;
    quick = Limits.quick_acks;
    last_ack = 0;
    reply = None;
    challenged_at = 0;
    challenges = 0;
    retransmit_at = never;
    tail_at = never;
    probe_at = never;
    ack_at = never;
    release_at = never;
    expire_at = never;
    keepalive;
    heard_at = now;
    probes = 0;
    asked_at = now;
  }

let[@inline] finish t = Send_queue.finish t.queue

let[@inline] room t = Int.max 0 (t.receive_limit - Receive_queue.bytes t.received)
let[@inline] edge t = Int.max t.advertised (t.receive_next + room t)
let[@inline] flight t = t.next - t.una
let held t = Receive_queue.bytes t.received + Reassembly.bytes t.reassembly

let lost_before t =
  let beyond = (Congestion.tolerance t.congestion ~flight:(flight t) - 1) * t.mss in
  Scoreboard.lost_before t.scoreboard ~beyond ~una:t.una

let least_tail_wait = 10_000_000

let await_tail t ~now =
  t.tail_at <-
    (if
     t.sack && t.una < t.next && t.next = t.highest && t.tail_probed <= t.una
     && not (Congestion.recovering t.congestion)
   then
     let wait = Int.max least_tail_wait (2 * Rto.round_trip t.rto) in
     now + if flight t <= t.mss then wait + Limits.delayed_ack else wait
   else never)

(* A clock of milliseconds, with 32 bits. *)
let timestamp t ~now = ((now / 1_000_000) + t.ts_offset) land 0xffff_ffff

let stop_timers t =
  t.retransmit_at <- never;
  t.tail_at <- never;
  t.probe_at <- never;
  t.ack_at <- never;
  t.release_at <- never;
  t.expire_at <- never

let close t =
  t.phase <- Closed;
  stop_timers t;
  t.ack_now <- false;
  Send_queue.clear t.queue;
  Scoreboard.clear t.scoreboard;
  Reassembly.clear t.reassembly

let fail t failure =
  if t.phase <> Closed then begin
    t.failure <- Some failure;
    close t
  end

let position t = Int.max t.next (Int.min t.highest (t.una + t.peer_window))

let reset t =
  {
    Segment.sequence = Sequence.wire (position t);
    ack = Sequence.wire t.receive_next;
    flags = Segment.Flags.(rst lor ack);
    window = 0;
    options = Options.none;
    payload = [];
    length = 0;
  }

let abort t failure =
  if t.phase <> Closed then begin
    if t.phase <> Syn_sent then t.reply <- Some (reset t);
    fail t failure
  end

let wait_for_strays t ~now =
  t.phase <- Time_wait;
  stop_timers t;
  Send_queue.clear t.queue;
  t.expire_at <- now + Limits.time_wait

let challenge t ~now =
  if now - t.challenged_at >= 1_000_000_000 then begin
    t.challenged_at <- now;
    t.challenges <- 0
  end;
  if t.challenges < Limits.challenges then begin
    t.challenges <- t.challenges + 1;
    t.ack_now <- true
  end
