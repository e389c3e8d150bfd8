open Tcb

type t = Tcb.t

let connect t = t.phase <- Syn_sent
let is_open t = match t.phase with Syn_sent | Syn_received -> false | Closed -> t.una > t.iss | _ -> true

type input = Data of Cstruct.t | Nothing_yet | End | Failed of failure

(* The application keeps up: the peer may send more at a time. *)
let consume t length =
  t.consumed <- t.consumed + length;
  let keeps_up = t.consumed >= t.receive_limit && Receive_queue.is_empty t.received in
  if keeps_up && t.receive_limit < Limits.receive_most then begin
    t.receive_limit <- 2 * t.receive_limit;
    t.consumed <- 0
  end

(* The peer should hear that the window is open again, or much larger. *)
let tell_window t =
  if t.receive_next + room t - t.advertised >= Int.min (4 * t.own_mss) (t.receive_limit / 2) then
    match t.phase with Established | Fin_wait_1 | Fin_wait_2 -> t.ack_now <- true | _ -> ()

let read t =
  if not (Receive_queue.is_empty t.received) then begin
    let data = Receive_queue.pop t.received in
    consume t (Cstruct.length data);
    tell_window t;
    Data data
  end
  else if not t.reading then End
  else
    match (t.phase, t.failure) with
    | _, Some failure -> Failed failure
    | (Close_wait | Closing | Last_ack | Time_wait | Closed), None -> End
    | (Syn_sent | Syn_received | Established | Fin_wait_1 | Fin_wait_2), None -> Nothing_yet

let can_write t = (t.phase = Established || t.phase = Close_wait) && not t.finishing

(* Twice the congestion window, so that the network does not wait for the application. *)
let send_limit t = Int.max Limits.send_least (Int.min Limits.send_most (2 * Congestion.window t.congestion))
let has_room t = finish t - t.una < send_limit t

let write t ~no_delay buffer =
  Send_queue.append t.queue buffer;
  if no_delay then t.no_delay <- finish t

let shutdown_read t =
  t.reading <- false;
  Receive_queue.clear t.received

let shutdown_write t =
  if not t.finishing then
    match t.phase with
    | Established ->
        t.finishing <- true;
        t.phase <- Fin_wait_1
    | Close_wait ->
        t.finishing <- true;
        t.phase <- Last_ack
    | _ -> ()

let close t ~now =
  if not t.orphan then begin
    t.orphan <- true;
    shutdown_read t;
    match t.phase with
    | Syn_sent | Syn_received -> abort t Reset
    | Fin_wait_2 -> t.expire_at <- now + Limits.orphan_wait
    | _ -> shutdown_write t
  end

let flushed t =
  match t.phase with
  | Fin_wait_1 | Closing | Last_ack -> t.next > finish t
  | Fin_wait_2 | Time_wait | Closed -> true
  | Syn_sent | Syn_received | Established | Close_wait -> false
