open Lwt.Infix

module type FLUSHED = sig
  include Mirage_block.S

  val flush : t -> (unit, write_error) result Lwt.t
end

module Main (Storage : FLUSHED) = struct
  let size = 512

  (* A sector full of one number, so that a torn one is seen. *)
  let sector number =
    let buffer = Cstruct.create size in
    for i = 0 to (size / 8) - 1 do
      Cstruct.LE.set_uint64 buffer (8 * i) (Int64.of_int number)
    done;
    buffer

  let answer text = Printf.printf "> %s\n%!" text
  let said pp = function Ok text -> answer text | Error error -> answer (Fmt.str "no: %a" pp error)
  let done_ result = Result.map (fun () -> "done") result

  let read storage at =
    let buffer = Cstruct.create size in
    Storage.read storage at [ buffer ] >|= fun result ->
    said Storage.pp_error (Result.map (fun () -> Int64.to_string (Cstruct.LE.get_uint64 buffer 0)) result)

  let write storage at count number =
    Storage.write storage at (List.init count (fun _ -> sector number)) >|= fun result ->
    said Storage.pp_write_error (done_ result)

  let flush storage = Storage.flush storage >|= fun result -> said Storage.pp_write_error (done_ result)

  (* Each number goes to eight sectors, is flushed, and is told. *)
  let rec journal storage number =
    Storage.write storage 0L (List.init 8 (fun _ -> sector number)) >>= fun _ ->
    Storage.flush storage >>= fun _ ->
    answer (Printf.sprintf "flushed %d" number);
    journal storage (number + 1)

  let rec serve storage =
    match String.split_on_char ' ' (read_line ()) with
    | [ "bye" ] -> Lwt.return_unit
    | [ "journal" ] -> journal storage 1
    | words ->
        (match words with
        | [ "read"; at ] -> read storage (Int64.of_string at)
        | [ "write"; at; count; number ] ->
            write storage (Int64.of_string at) (int_of_string count) (int_of_string number)
        | [ "flush" ] -> flush storage
        | _ -> Lwt.return (answer "what?"))
        >>= fun () -> serve storage

  let start storage =
    answer "ready";
    serve storage
end
