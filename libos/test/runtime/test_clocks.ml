(* Mirage_mtime and Mirage_ptime. *)

let monotonic () =
  let rec check previous = function
    | 0 -> ()
    | n ->
        let now = Mirage_mtime.elapsed_ns () in
        if Int64.compare now previous < 0 then Alcotest.failf "%Ld after %Ld" now previous;
        check now (n - 1)
  in
  check 0L 10_000;
  Alcotest.(check (option int64)) "period" (Some 1L) (Mirage_mtime.period_ns ())

let posix () =
  let here = Ptime.of_float_s (Unix.gettimeofday ()) |> Option.get in
  let difference = Ptime.Span.to_float_s (Ptime.diff (Mirage_ptime.now ()) here) in
  Alcotest.(check bool) "the host's time" true (Float.abs difference < 2.);
  let days, picoseconds = Mirage_ptime.now_d_ps () in
  Alcotest.(check bool) "after 2020" true (days > 18_262);
  Alcotest.(check bool) "within a day" true (picoseconds >= 0L && picoseconds < 86_400_000_000_000_000L);
  Alcotest.(check (option int)) "no time zone" None (Mirage_ptime.current_tz_offset_s ());
  Alcotest.(check bool) "a period" true (Mirage_ptime.period () <> None)

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "clocks" [ ("clocks", [ case "monotonic" monotonic; case "posix" posix ]) ]
