open Lwt.Infix
open Cmdliner

let set =
  let doc = Arg.info ~doc:"Set a key to a value." ~docv:"KEY=VALUE" [ "set" ] in
  Mirage_runtime.register_arg Arg.(value & opt_all (pair ~sep:'=' string string) [] doc)

let get =
  let doc = Arg.info ~doc:"Show this key only, not all." ~docv:"KEY" [ "get" ] in
  Mirage_runtime.register_arg Arg.(value & opt (some string) None doc)

let wait =
  let doc = Arg.info ~doc:"Wait for a line on the console before the end." [ "wait" ] in
  Mirage_runtime.register_arg Arg.(value & flag doc)

module Main (Store : Mirage_kv.RW) = struct
  module Key = Mirage_kv.Key

  let must pp_error = function
    | Ok value -> value
    | Error error -> Logs.err (fun log -> log "%a" pp_error error); exit 1

  (* When this promise is kept, the value is on the disk. *)
  let set_value store (name, value) = Store.set store (Key.v name) value >|= must Store.pp_write_error

  let show store key =
    Store.get store key >|= must Store.pp_error >|= fun value ->
    Printf.printf "%s = %s\n%!" (Key.basename key) value

  let keys store =
    match get () with
    | Some name -> Lwt.return [ Key.v name ]
    | None -> Store.list store Key.empty >|= must Store.pp_error >|= List.map fst

  let start store =
    Lwt_list.iter_s (set_value store) (set ()) >>= fun () ->
    keys store >>= Lwt_list.iter_s (show store) >|= fun () ->
    if wait () then ignore (read_line ())
end
