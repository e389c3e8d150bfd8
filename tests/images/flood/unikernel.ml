open Cmdliner

let lines =
  let doc = Arg.info ~doc:"How many lines of 100 bytes to print." [ "lines" ] in
  Mirage_runtime.register_arg Arg.(value & opt int 1000 doc)

let start () =
  let filler = String.make 91 '.' in
  for n = 1 to lines () do
    Printf.printf "%08d%s\n" n filler
  done;
  Lwt.return_unit
