(* Mirage_runtime: arguments, name and log thresholds. One command line is read per process, so that the cases are in
   an order. *)

open Cmdliner

let greeting = Mirage_runtime.register_arg Arg.(value & opt string "hello" & info [ "greeting" ])
let count = Mirage_runtime.register_arg Arg.(value & opt int 4 & info [ "count" ])
let delay = Mirage_runtime.register_arg Mirage_runtime.delay
let logs = Mirage_runtime.register_arg Mirage_runtime.logs

let gc_and_backtrace =
  Mirage_runtime.register_arg (Cmdliner_stdlib.setup ~backtrace:(Some true) ~randomize_hashtables:(Some true) ())

let refuses f =
  match f () with _ -> Alcotest.fail "Invalid_argument was expected" | exception Invalid_argument _ -> ()

let too_early () = refuses greeting

let read () =
  Mirage_runtime.set_name "configured";
  Mirage_runtime.(with_argv (runtime_args ()))
    "test"
    [| "test"; "--count=7"; "-l"; "*:warning,here:debug"; "--space-overhead"; "99"; "--backtrace=false" |];
  Alcotest.(check string) "a default" "hello" (greeting ());
  Alcotest.(check int) "a value" 7 (count ());
  Alcotest.(check int) "the delay" 0 (delay ());
  Alcotest.(check string) "the name" "configured" (Mirage_runtime.name ());
  Alcotest.(check int) "the collector" 99 (Gc.get ()).space_overhead;
  Alcotest.(check bool) "backtraces" false (Printexc.backtrace_status ());
  gc_and_backtrace ()

let only_once () =
  Mirage_runtime.(with_argv (runtime_args ())) "test" [| "test"; "--count=8" |];
  Alcotest.(check int) "as it was" 7 (count ())

let too_late () = refuses (fun () -> Mirage_runtime.register_arg (Term.const ()))

let level = Alcotest.testable (Fmt.of_to_string Logs.level_to_string) ( = )

let sets_levels () =
  let here = Logs.Src.create "here" and there = Logs.Src.create "there" in
  Mirage_runtime.set_level ~default:(Some Logs.Info) (logs ());
  Alcotest.check level "all" (Some Logs.Warning) (Logs.level ());
  Alcotest.check level "of one source" (Some Logs.Debug) (Logs.Src.level here);
  Alcotest.check level "of the others" (Some Logs.Warning) (Logs.Src.level there);
  Mirage_runtime.set_level ~default:(Some Logs.Info) [];
  Alcotest.check level "the default" (Some Logs.Info) (Logs.level ())

let parses_thresholds () =
  let parse text = Arg.conv_parser Mirage_runtime.Conv.log_threshold text in
  let threshold = Alcotest.testable (Arg.conv_printer Mirage_runtime.Conv.log_threshold) ( = ) in
  let accepts text expected =
    match parse text with
    | Ok value -> Alcotest.check threshold text expected value
    | Error (`Msg reason) -> Alcotest.failf "%s: %s" text reason
  in
  let rejects text =
    match parse text with Ok _ -> Alcotest.failf "%s is accepted" text | Error (`Msg _) -> ()
  in
  accepts "info" (`All, Some Logs.Info);
  accepts "*:debug" (`All, Some Logs.Debug);
  accepts "http:error" (`Src "http", Some Logs.Error);
  accepts "http:quiet" (`Src "http", None);
  List.iter rejects [ ""; "loud"; "http:loud"; "a:b:info" ]

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "arguments"
    [
      ( "arguments",
        [ case "too early" too_early; case "read" read; case "once" only_once; case "too late" too_late ] );
      ("log thresholds", [ case "parsed" parses_thresholds; case "set" sets_levels ]);
    ]
