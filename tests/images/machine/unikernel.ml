open Cmdliner
open Lwt.Infix

type what = Sleep | Clocks | Random | Arguments

let what =
  let kinds = [ ("sleep", Sleep); ("clocks", Clocks); ("random", Random); ("arguments", Arguments) ] in
  let doc = Arg.info ~doc:"What to show." [ "what" ] in
  Mirage_runtime.register_arg Arg.(required & opt (some (enum kinds)) None doc)

let words = Mirage_runtime.register_arg Arg.(value & pos_all string [] & info [])

let sleep () =
  print_endline "sleeping 2 s";
  Mirage_sleep.ns (Duration.of_sec 2) >|= fun () -> print_endline "awake"

let wall_ns () =
  let days, ps = Mirage_ptime.now_d_ps () in
  Int64.add (Int64.mul (Int64.of_int days) 86_400_000_000_000L) (Int64.div ps 1000L)

let clocks () =
  Printf.printf "now %Ld\n" (wall_ns ());
  let monotonic = Mirage_mtime.elapsed_ns () in
  let wall = wall_ns () in
  Mirage_sleep.ns (Duration.of_ms 500) >|= fun () ->
  let monotonic = Int64.sub (Mirage_mtime.elapsed_ns ()) monotonic in
  Printf.printf "monotonic %Ld wall %Ld\n" monotonic (Int64.sub (wall_ns ()) wall)

let random () =
  let bytes = Mirage_crypto_rng.generate 32 in
  print_string "random ";
  String.iter (fun c -> Printf.printf "%02x" (Char.code c)) bytes;
  print_newline ();
  Lwt.return_unit

let arguments () =
  List.iter (Printf.printf "argument %S\n") (words ());
  Lwt.return_unit

let start () =
  match what () with Sleep -> sleep () | Clocks -> clocks () | Random -> random () | Arguments -> arguments ()
