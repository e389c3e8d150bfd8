open Http_engine

exception Closed

let () = Printexc.register_printer (function Closed -> Some "the connection is closed" | _ -> None)

module Make (F : Mirage_flow.S) = struct
  module Channel = Channel.Make (F)

  type 'a t = 'a Lwt.t
  type ic = Channel.t
  type oc = Channel.t
  type conn = F.flow
  type error = unit

  let pp_error ppf () = Fmt.string ppf "the connection is closed"
  let ( >>= ) = Lwt.( >>= )
  let return = Lwt.return
  let catch f = Lwt.try_bind f Lwt.return_ok (function Closed -> Lwt.return_error () | exn -> Lwt.fail exn)
  let refill = Channel.refill

  let with_input_buffer ic ~f =
    let pos = Channel.place ic in
    let result, used = f (Channel.data ic) ~pos ~len:(Channel.available ic) in
    Channel.use ic (pos + used);
    result

  let longest_line = 1 lsl 16

  let rec read_line ic =
    let data = Channel.data ic and place = Channel.place ic in
    match String.index_from_opt data place '\n' with
    | Some line_end ->
        let line = Channel.take ic (line_end - place) in
        Channel.use ic (Channel.place ic + 1);
        let length = String.length line in
        Lwt.return_some (if length > 0 && line.[length - 1] = '\r' then String.sub line 0 (length - 1) else line)
    | None when Channel.available ic > longest_line -> Lwt.return_none
    | None -> ( refill ic >>= function `Ok -> read_line ic | `Eof -> Lwt.return_none)

  let rec read ic length =
    match Int.min length (Channel.available ic) with
    | 0 when length > 0 -> ( refill ic >>= function `Ok -> read ic length | `Eof -> Lwt.return "")
    | available -> Lwt.return (Channel.take ic available)

  let write oc text = Channel.write_string oc text >>= fun sent -> if sent then Lwt.return_unit else Lwt.fail Closed
  let flush _ = Lwt.return_unit
end
