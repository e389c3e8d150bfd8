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
  }

  let create ?patience limits deadlines flow =
    let guard = Deadlines.join deadlines in
    { flow; guard; limits; patience; data = ""; place = 0; ended = false; broken = false }

  let flow t = t.flow
  let guard t = t.guard

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

  (* After a deadline a read may still be under way, and there is never a second one. *)
  let refill t =
    if t.ended || Deadlines.expired t.guard then Lwt.return `Eof
    else begin
      (match t.patience with Some seconds -> Deadlines.allow t.guard seconds | None -> ());
      Deadlines.within t.guard (F.read t.flow) (accept t) ~expired:`Eof
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
      Deadlines.within t.guard (F.write t.flow buffer) (accepted t) ~expired:false >|= fun taken ->
      if not taken then t.broken <- true;
      taken
    end

  let rec write_string t ?(from = 0) text =
    let length = Int.min Limits.piece_bytes (String.length text - from) in
    if length <= 0 then Lwt.return_true
    else
      write t (Cstruct.of_string ~off:from ~len:length text) >>= function
      | true -> write_string t ~from:(from + length) text
      | false -> Lwt.return_false

  (* The end *)

  let close t =
    Deadlines.leave t.guard;
    F.close t.flow

  let linger_seconds = 2
  let linger_bytes = 1 lsl 18

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
