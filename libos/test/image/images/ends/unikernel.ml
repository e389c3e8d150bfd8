open Lwt.Infix
open Cmdliner

let how = Mirage_runtime.register_arg Arg.(value & opt string "exit" & info [ "how" ])

let start () =
  Mirage_runtime.at_exit (fun () ->
      print_endline "goodbye";
      Lwt.return_unit);
  Mirage_sleep.ns 1L >>= fun () ->
  match how () with
  | "exit" -> exit 3
  | "too late" ->
      let late = Mirage_runtime.register_arg (Term.const ()) in
      Lwt.return (late ())
  | problem ->
      let length = String.length problem in
      if length > 3 then failwith problem;
      Lwt.return_unit
