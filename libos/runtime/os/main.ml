let rec loop promise =
  Lwt.wakeup_paused ();
  Timer.wake_due ();
  match Lwt.poll promise with
  | Some () -> ()
  | None ->
      Mirage_runtime.run_enter_iter_hooks ();
      let busy = Lwt.paused_count () > 0 || not (Lwt.is_sleeping promise) in
      let deadline = if busy then 0L else Timer.next_deadline () in
      Event.signal (Platform.wait ~deadline);
      Mirage_runtime.run_leave_iter_hooks ();
      loop promise

(* The exception comes before what the exit hooks still print. *)
let last_words exn backtrace =
  Format.print_flush ();
  flush stdout;
  Printexc.default_uncaught_exception_handler exn backtrace

let run promise =
  try loop promise
  with exn ->
    last_words exn (Printexc.get_raw_backtrace ());
    exit 2

let () =
  at_exit (fun () ->
      Lwt.abandon_wakeups ();
      loop (Mirage_runtime.run_exit_hooks ()))
