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

(* The exception is printed after what came before it, and before what the exit hooks still print. *)
let die exn =
  let backtrace = Printexc.get_raw_backtrace () in
  Format.print_flush ();
  flush stdout;
  Printexc.default_uncaught_exception_handler exn backtrace;
  exit 2

let () = Lwt.async_exception_hook := die
let run promise = try loop promise with exn -> die exn

(* [exit] may be called by a callback, or by a callback's callback. Each call of [abandon_wakeups] leaves one level, of
   which Lwt has 42 at most; until all are left, Lwt puts off what [Lwt.wakeup_later] asks for. *)
let leave_callbacks () =
  for _ = 1 to 64 do
    Lwt.abandon_wakeups ()
  done

let () =
  at_exit (fun () ->
      leave_callbacks ();
      loop (Mirage_runtime.run_exit_hooks ()))
