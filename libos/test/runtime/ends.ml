(* A program that ends as its argument says. *)

open Lwt.Infix

let hook text = Mirage_runtime.at_exit (fun () -> Mirage_sleep.ns 1L >|= fun () -> print_endline text)

let end_ = function
  | "return" -> Lwt.return_unit
  | "exit" -> Mirage_sleep.ns 1L >>= fun () -> exit 3
  | "raise" -> raise Not_found
  | "raise later" -> Mirage_sleep.ns 1L >>= fun () -> failwith "later"
  | "fail" -> Lwt.fail Stdlib.Exit
  | "async" ->
      Lwt.async (fun () -> Mirage_sleep.ns 1L >>= fun () -> failwith "aside");
      Mirage_sleep.ns 1_000_000_000L
  | "failing hook" ->
      hook "the next hook";
      Mirage_runtime.at_exit (fun () -> Lwt.fail_with "ignored");
      Lwt.return_unit
  | "sleeping others" ->
      Lwt.async (fun () -> Mirage_sleep.ns 60_000_000_000L);
      Lwt.return_unit
  | how -> invalid_arg how

let () =
  hook "first registered";
  hook "last registered";
  print_string "unflushed ";
  Unikernel_os.Main.run (Lwt.pause () >>= fun () -> end_ Sys.argv.(1))
