(* Mirage_sleep and the timers beneath it. *)

open Lwt.Infix
module Timer = Unikernel_os.Timer

let ms n = Int64.mul (Int64.of_int n) 1_000_000L
let run = Unikernel_os.Main.run
let check_order = Alcotest.(check (list string))

(* Whoever calls [note] is listed, in order. *)
let diary () =
  let notes = ref [] in
  ((fun note -> notes := note :: !notes), fun () -> List.rev !notes)

let sleeps_as_long_as_asked () =
  let before = Mirage_mtime.elapsed_ns () in
  run (Mirage_sleep.ns (ms 20));
  let slept = Int64.sub (Mirage_mtime.elapsed_ns ()) before in
  Alcotest.(check bool) "not less" true (slept >= ms 20);
  Alcotest.(check bool) "not much more" true (slept < ms 500)

let wakes_in_the_order_of_deadlines () =
  let note, notes = diary () in
  let sleeper (name, delay) = Mirage_sleep.ns (ms delay) >|= fun () -> note name in
  run (Lwt.join (List.map sleeper [ ("third", 15); ("first", 1); ("second", 8) ]));
  check_order "order" [ "first"; "second"; "third" ] (notes ())

let wakes_in_the_order_of_sleeping () =
  let note, notes = diary () in
  let never_ending = List.init 100 string_of_int in
  run (Lwt.join (List.map (fun name -> Mirage_sleep.ns 0L >|= fun () -> note name) never_ending));
  check_order "order" never_ending (notes ())

let forgets_the_cancelled () =
  let long = Mirage_sleep.ns (ms 60_000) in
  Alcotest.(check bool) "it is waited for" true (Timer.next_deadline () < Int64.max_int);
  Lwt.cancel long;
  Alcotest.(check int64) "nothing is left" Int64.max_int (Timer.next_deadline ());
  match Lwt.state long with
  | Fail Lwt.Canceled -> ()
  | Sleep | Return () | Fail _ -> Alcotest.fail "the promise is not cancelled"

let pick_cancels_the_slow () =
  let note, notes = diary () in
  let racer name delay = Mirage_sleep.ns (ms delay) >|= fun () -> note name in
  run (Lwt.pick [ racer "slow" 60_000; racer "fast" 1 ]);
  check_order "winner" [ "fast" ] (notes ());
  Alcotest.(check int64) "nothing is left" Int64.max_int (Timer.next_deadline ())

let cancels_while_waking () =
  let other = ref Lwt.return_unit in
  let killer = Mirage_sleep.ns 0L >|= fun () -> Lwt.cancel !other in
  other := Mirage_sleep.ns 1L;
  run (Lwt.join [ killer; Lwt.catch (fun () -> !other) (fun _ -> Lwt.return_unit) ])

let never_is_far_away () =
  (* As unsigned numbers these are the longest sleeps. *)
  let sleepers = List.map Mirage_sleep.ns [ -1L; Int64.min_int; Int64.max_int ] in
  Alcotest.(check int64) "no deadline" Int64.max_int (Timer.next_deadline ());
  List.iter Lwt.cancel sleepers

let those_who_sleep_again_leave_a_turn () =
  let turns = ref 0 in
  let rec restless () =
    incr turns;
    Mirage_sleep.ns 0L >>= restless
  in
  run (Lwt.pick [ restless (); Mirage_sleep.ns (ms 2) ]);
  Alcotest.(check bool) "both had turns" true (!turns > 1)

let those_who_pause_leave_a_turn () =
  let rec restless () = Lwt.pause () >>= restless in
  run (Lwt.pick [ restless (); Mirage_sleep.ns (ms 2) ])

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "timers"
    [
      ( "sleep",
        [
          case "as long as asked" sleeps_as_long_as_asked;
          case "order of deadlines" wakes_in_the_order_of_deadlines;
          case "order of sleeping" wakes_in_the_order_of_sleeping;
          case "never" never_is_far_away;
        ] );
      ( "cancel",
        [
          case "forgotten" forgets_the_cancelled;
          case "by pick" pick_cancels_the_slow;
          case "by another sleeper" cancels_while_waking;
        ] );
      ( "fairness",
        [
          case "sleepers for no time" those_who_sleep_again_leave_a_turn;
          case "pause" those_who_pause_leave_a_turn;
        ] );
    ]
