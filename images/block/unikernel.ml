open Lwt.Infix
open Cmdliner

let sector =
  let doc = Arg.info ~doc:"The sector to read and write, counted from 0." [ "sector" ] in
  Mirage_runtime.register_arg Arg.(value & opt int64 0L doc)

let text =
  let doc = Arg.info ~doc:"What to write there; nothing is written without it." [ "write" ] in
  Mirage_runtime.register_arg Arg.(value & opt (some string) None doc)

module Main (Storage : Mirage_block.S) = struct
  (* Reading and writing can fail: both give a result, [Ok ()] or [Error] with the reason. *)
  let must pp_error = function
    | Ok () -> ()
    | Error error ->
        Logs.err (fun log -> log "sector %Ld: %a" (sector ()) pp_error error);
        exit 1

  (* A device moves whole sectors. *)
  let read storage ~sector_size =
    let buffer = Cstruct.create sector_size in
    Storage.read storage (sector ()) [ buffer ] >|= must Storage.pp_error >|= fun () -> buffer

  let write storage ~sector_size text =
    let buffer = Cstruct.create sector_size in
    Cstruct.blit_from_string text 0 buffer 0 (min (String.length text) sector_size);
    Storage.write storage (sector ()) [ buffer ] >|= must Storage.pp_write_error

  (* The text at the start of a sector: the bytes before the first zero. *)
  let contents buffer =
    let bytes = Cstruct.to_string buffer in
    match String.index_opt bytes '\000' with Some length -> String.sub bytes 0 length | None -> bytes

  let show what buffer = Logs.info (fun log -> log "%s sector %Ld: %S" what (sector ()) (contents buffer))

  let start storage =
    Storage.get_info storage >>= fun { sector_size; size_sectors; read_write } ->
    let rights = if read_write then "" else ", read-only" in
    Logs.info (fun log -> log "storage: %Ld sectors of %d bytes%s" size_sectors sector_size rights);
    read storage ~sector_size >>= fun before ->
    show "found in" before;
    match text () with
    | None -> Lwt.return_unit
    | Some text ->
        write storage ~sector_size text >>= fun () ->
        read storage ~sector_size >|= fun after -> show "now in" after
end
