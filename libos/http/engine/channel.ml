open Lwt.Infix

let src = Logs.Src.create "http.connection" ~doc:"HTTP connections"

module Log = (val Logs.src_log src)

module Make (F : Mirage_flow.S) = struct
  type t = {
    flow : F.flow;
    guard : Deadlines.guard;
    limits : Limits.t;
    patience : int option;
    mutable data : string;
    mutable place : int;
    mutable ended : bool;  (* nothing more can be read *)
    mutable broken : bool;  (* nothing more can be written *)
    mutable reader : [ `Ok | `Eof ] Lwt.u;  (* who waits, or [no_reader] *)
    mutable writer : bool Lwt.u;
    (* Called with what the flow says; made once, as they are needed for every request. *)
    mutable on_read : (Cstruct.t Mirage_flow.or_eof, F.error) result -> unit;
    mutable on_written : (unit, F.write_error) result -> unit;
    mutable on_failure : exn -> unit;
  }

  let no_reader : [ `Ok | `Eof ] Lwt.u = snd (Lwt.wait ())
  let no_writer : bool Lwt.u = snd (Lwt.wait ())
  let flow t = t.flow
  let guard t = t.guard

  (* Waiting *)

  let take_reader t =
    let reader = t.reader in
    t.reader <- no_reader;
    Deadlines.waits t.guard (t.writer != no_writer);
    reader

  let take_writer t =
    let writer = t.writer in
    t.writer <- no_writer;
    Deadlines.waits t.guard (t.reader != no_reader);
    writer

  (* A read may still be under way, and there is never a second one; what it brings is nobody's. *)
  let expire t =
    let reader = take_reader t and writer = take_writer t in
    if reader != no_reader then begin
      t.ended <- true;
      Lwt.wakeup_later reader `Eof
    end;
    if writer != no_writer then begin
      t.broken <- true;
      Lwt.wakeup_later writer false
    end

  let fail t exn =
    Log.debug (fun log -> log "lost: %s" (Printexc.to_string exn));
    t.ended <- true;
    t.broken <- true;
    expire t

  (* Reading *)

  let data t = t.data
  let place t = t.place
  let available t = String.length t.data - t.place

  (* An idle connection holds no buffer. *)
  let use t place =
    if place = String.length t.data then begin
      t.data <- "";
      t.place <- 0
    end
    else t.place <- place

  let take t length =
    let taken = String.sub t.data t.place length in
    use t (t.place + length);
    taken

  let accept t = function
    | Ok (`Data buffer) ->
        let more = Cstruct.to_string buffer in
        t.data <- (if available t = 0 then more else String.sub t.data t.place (available t) ^ more);
        t.place <- 0;
        `Ok
    | Ok `Eof ->
        t.ended <- true;
        `Eof
    | Error error ->
        Log.debug (fun log -> log "lost: %a" F.pp_error error);
        t.ended <- true;
        `Eof

  let refill t =
    if t.ended then Lwt.return `Eof
    else begin
      (match t.patience with Some seconds -> Deadlines.allow t.guard seconds | None -> ());
      let reading = F.read t.flow in
      match Lwt.state reading with
      | Lwt.Return outcome -> Lwt.return (accept t outcome)
      | Sleep | Fail _ ->
          let result, reader = Lwt.wait () in
          t.reader <- reader;
          Deadlines.waits t.guard true;
          Lwt.on_any reading t.on_read t.on_failure;
          result
    end

  (* Writing *)

  let accepted t = function
    | Ok () -> true
    | Error error ->
        Log.debug (fun log -> log "lost: %a" F.pp_write_error error);
        t.broken <- true;
        false

  let write t buffer =
    if t.broken then Lwt.return_false
    else begin
      Deadlines.allow t.guard t.limits.write_seconds;
      let writing = F.write t.flow buffer in
      match Lwt.state writing with
      | Lwt.Return outcome -> Lwt.return (accepted t outcome)
      | Sleep | Fail _ ->
          let result, writer = Lwt.wait () in
          t.writer <- writer;
          Deadlines.waits t.guard true;
          Lwt.on_any writing t.on_written t.on_failure;
          result
    end

  let rec write_string t ?(from = 0) text =
    let length = Int.min Limits.piece_bytes (String.length text - from) in
    if length <= 0 then Lwt.return_true
    else
      write t (Cstruct.of_string ~off:from ~len:length text) >>= function
      | true -> write_string t ~from:(from + length) text
      | false -> Lwt.return_false

  (* The beginning and the end *)

  let create ?patience limits deadlines flow =
    let t =
      {
        flow;
        guard = Deadlines.join deadlines;
        limits;
        patience;
        data = "";
        place = 0;
        ended = false;
        broken = false;
        reader = no_reader;
        writer = no_writer;
        on_read = ignore;
        on_written = ignore;
        on_failure = ignore;
      }
    in
    Deadlines.on_expiry t.guard (fun () -> expire t);
    t.on_read <-
      (fun outcome ->
        let reader = take_reader t in
        if reader != no_reader then Lwt.wakeup reader (accept t outcome));
    t.on_written <-
      (fun outcome ->
        let writer = take_writer t in
        if writer != no_writer then Lwt.wakeup writer (accepted t outcome));
    t.on_failure <- fail t;
    t

  let close t =
    Deadlines.leave t.guard;
    F.close t.flow

  let linger_seconds = 5
  let linger_bytes = 1 lsl 24

  let linger t =
    let rec discard left =
      let read = available t in
      use t (place t + read);
      if left - read <= 0 then Lwt.return_unit
      else refill t >>= function `Ok -> discard (left - read) | `Eof -> Lwt.return_unit
    in
    F.shutdown t.flow `write >>= fun () ->
    Deadlines.allow t.guard linger_seconds;
    discard linger_bytes
end
