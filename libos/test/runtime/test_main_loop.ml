(* Unikernel_os.Main and Event, and the hooks of Mirage_runtime. *)

open Lwt.Infix

let run = Unikernel_os.Main.run

let resolved_at_once () = run Lwt.return_unit

let hooks_around_idling () =
  let notes = ref [] in
  let note text () = if List.length !notes < 4 then notes := text :: !notes in
  Mirage_runtime.at_enter_iter (note "enter 1");
  Mirage_runtime.at_enter_iter (note "enter 2");
  Mirage_runtime.at_leave_iter (note "leave 1");
  Mirage_runtime.at_leave_iter (note "leave 2");
  run (Lwt.pause () >>= Lwt.pause);
  Alcotest.(check (list string))
    "the last registered is first"
    [ "enter 2"; "enter 1"; "leave 2"; "leave 1" ]
    (List.rev !notes)

let hook_ends_the_loop () =
  let promise, resolver = Lwt.wait () in
  let once = ref (fun () -> Lwt.wakeup resolver ()) in
  Mirage_runtime.at_enter_iter (fun () ->
      let f = !once in
      (once := fun () -> ());
      f ());
  (* Nobody sleeps and no event comes: if the loop idled now, it would do so for ever. *)
  run promise

let console_event () =
  let read_end, write_end = Unix.pipe () in
  Unix.dup2 read_end Unix.stdin;
  let buffer = Bytes.create 10 in
  let take () = Platform.console_read buffer 0 10 in
  Alcotest.(check int) "nothing yet" 0 (take ());
  let received = Unikernel_os.Event.wait Platform.console >|= take in
  let send = Mirage_sleep.ns 1_000_000L >|= fun () -> ignore (Unix.write_substring write_end "typed" 0 5) in
  run (send >>= fun () -> received >|= fun n -> Alcotest.(check string) "typed" "typed" (Bytes.sub_string buffer 0 n));
  ignore (Unix.write_substring write_end "more" 0 4);
  Alcotest.(check int) "emptied: an event again" 0 (Platform.wait ~deadline:0L);
  Alcotest.(check int) "all of it" 4 (take ());
  Alcotest.(check int) "empty" 0 (take ());
  ignore (Unix.write_substring write_end "x" 0 1);
  Alcotest.(check int) "an event" Platform.console (Platform.wait ~deadline:0L);
  Alcotest.(check int) "told once" 0 (Platform.wait ~deadline:0L);
  Unix.close write_end;
  Alcotest.(check int) "the rest" 1 (take ());
  Alcotest.(check int) "the end" (-1) (take ())

let events_by_source () =
  let notes = ref [] in
  let wait source = Unikernel_os.Event.wait source >|= fun () -> notes := source :: !notes in
  let all = Lwt.join [ wait 2; wait 4; wait 8; wait 2 ] in
  Unikernel_os.Event.signal 0;
  Unikernel_os.Event.signal (2 lor 8);
  Alcotest.(check (list int)) "those two" [ 2; 2; 8 ] (List.sort compare !notes);
  Unikernel_os.Event.signal 2;
  Unikernel_os.Event.signal 4;
  run all;
  Alcotest.(check int) "each once" 4 (List.length !notes)

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "main loop"
    [
      ( "loop",
        [
          case "nothing to wait for" resolved_at_once;
          case "hooks" hooks_around_idling;
          case "a hook ends it" hook_ends_the_loop;
        ] );
      ("events", [ case "of a source" events_by_source; case "console" console_event ]);
    ]
