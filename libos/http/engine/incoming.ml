open Lwt.Infix

module Make (F : Mirage_flow.S) = struct
  module Channel = Channel.Make (F)

  type rest = Finished | Bytes of int | Chunks of Chunked.t

  type t = {
    limits : Limits.t;
    channel : Channel.t;
    mutable rest : rest;
    mutable continue_due : bool;
    mutable busy : bool;  (* a piece is being waited for *)
    mutable trouble : Refusal.t option;
  }

  let create limits channel head =
    let rest =
      match Request_head.framing head with
      | Nothing -> Finished
      | Length length -> Bytes length
      | Chunked -> Chunks (Chunked.create limits)
    in
    let continue_due = Request_head.expects_continue head in
    { limits; channel; rest; continue_due; busy = false; trouble = None }

  let trouble t = t.trouble

  let fail t refusal =
    t.trouble <- Some refusal;
    t.rest <- Finished;
    Lwt.fail (Refusal.Refused refusal)

  let continue = "HTTP/1.1 100 Continue\r\n\r\n"

  let more t =
    let ask =
      if t.continue_due then begin
        t.continue_due <- false;
        Channel.write_string t.channel continue
      end
      else Lwt.return_true
    in
    ask >>= fun (_ : bool) ->
    Deadlines.allow (Channel.guard t.channel) t.limits.body_seconds;
    Channel.refill t.channel

  let rec next t =
    match t.rest with
    | Finished -> Lwt.return_none
    | Bytes left when Channel.available t.channel > 0 ->
        let length = Int.min left (Channel.available t.channel) in
        t.rest <- (if length = left then Finished else Bytes (left - length));
        Lwt.return_some (Channel.take t.channel length)
    | Bytes _ -> wait t
    | Chunks decoder -> (
        match Chunked.decode decoder (Channel.data t.channel) (Channel.place t.channel) with
        | Piece (place, length) ->
            Channel.use t.channel place;
            Lwt.return_some (Channel.take t.channel length)
        | Finished place ->
            Channel.use t.channel place;
            t.rest <- Finished;
            Lwt.return_none
        | Incomplete place ->
            Channel.use t.channel place;
            wait t
        | Refused refusal -> fail t refusal)

  and wait t =
    more t >>= function
    | `Ok -> next t
    | `Eof when Deadlines.expired (Channel.guard t.channel) ->
        fail t { status = `Request_timeout; reason = "the body did not come in time" }
    | `Eof -> fail t { status = `Bad_request; reason = "the body is shorter than announced" }

  let piece t =
    t.busy <- true;
    Lwt.finalize
      (fun () -> next t)
      (fun () ->
        t.busy <- false;
        Lwt.return_unit)

  let body t =
    match t.rest with
    | Finished -> `Empty
    | Bytes length when Channel.available t.channel >= length ->
        t.rest <- Finished;
        `String (Channel.take t.channel length)
    | Bytes _ | Chunks _ -> `Stream (Lwt_stream.from (fun () -> piece t))

  (* More than this is not worth reading only to keep a connection. *)
  let most_unread = 1 lsl 16

  let is_finished t = match t.rest with Finished -> true | Bytes _ | Chunks _ -> false

  let can_finish t =
    match t.rest with
    | Finished -> true
    | _ when t.continue_due || t.busy -> false
    | Bytes left -> left <= most_unread
    | Chunks _ -> true

  let finish t =
    let rec discard left =
      match t.rest with
      | Finished -> Lwt.return_true
      | Bytes _ | Chunks _ ->
          if left <= 0 then Lwt.return_false
          else next t >>= function Some piece -> discard (left - String.length piece) | None -> Lwt.return_true
    in
    if not (can_finish t) then Lwt.return_false
    else
      let refused = function Refusal.Refused _ -> Lwt.return_false | exn -> Lwt.fail exn in
      Lwt.catch (fun () -> discard most_unread) refused
end
