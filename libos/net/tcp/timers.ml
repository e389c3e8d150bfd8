open Tcb

(* How long after the peer was last heard the next keep-alive probe is due. While data is under way its time-out finds
   out what the probe would. *)
let keepalive_at t =
  match t.keepalive with
  | Some { after; interval; _ } when t.next = t.una && t.phase <> Time_wait && t.phase <> Closed ->
      if t.probes = 0 then t.heard_at + after else t.asked_at + interval
  | Some _ | None -> never

let deadline t =
  let[@inline] earlier (a : int) (b : int) = if a < b then a else b in
  earlier
    (earlier (earlier t.retransmit_at t.tail_at) (earlier t.probe_at t.ack_at))
    (earlier (earlier t.release_at t.expire_at) (keepalive_at t))

let attempts t =
  match t.phase with
  | Syn_sent -> Limits.connect_attempts
  | Syn_received -> Limits.accept_attempts
  | _ -> if t.orphan then Limits.orphan_attempts else Limits.attempts

(* All that is under way is taken for lost. *)
let retransmit t =
  t.retransmit_at <- never;
  t.tail_at <- never;
  if t.retries >= attempts t then fail t Timeout
  else begin
    t.retries <- t.retries + 1;
    Rto.back_off t.rto;
    Congestion.timed_out t.congestion ~flight:(flight t) ~highest:t.highest ~again:(t.retries > 1);
    Scoreboard.clear t.scoreboard;
    t.resend <- false;
    t.resent <- t.una;
    t.timed_at <- never;
    t.next <- t.una
  end

let probe t ~now send =
  t.probe_at <- never;
  if t.retries >= attempts t then abort t Timeout
  else begin
    t.retries <- t.retries + 1;
    Rto.back_off t.rto;
    Outgoing.probe t ~now send
  end

let keep_alive t ~now probes =
  if t.probes >= probes then abort t Silent
  else begin
    t.probes <- t.probes + 1;
    t.asked_at <- now;
    t.reply <- Some (Outgoing.keepalive t ~now)
  end

let expire t ~now send =
  if now >= t.expire_at then close t;
  if now >= t.ack_at then begin
    t.ack_at <- never;
    t.ack_now <- true
  end;
  if now >= t.release_at then begin
    t.release_at <- never;
    t.no_delay <- finish t
  end;
  if now >= t.retransmit_at then retransmit t;
  if now >= t.tail_at then Outgoing.tail_probe t ~now send;
  if now >= t.probe_at then probe t ~now send;
  match t.keepalive with Some { probes; _ } when now >= keepalive_at t -> keep_alive t ~now probes | Some _ | None -> ()
