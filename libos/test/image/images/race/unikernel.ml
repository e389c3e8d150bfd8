open Lwt.Infix

(* A tortoise that is stopped when the hare is there. *)
let start () =
  let delay bound = Randomconv.int ~bound Mirage_crypto_rng.generate in
  let hare = Mirage_sleep.ns (Duration.of_ms (1 + delay 5)) >|= fun () -> "hare" in
  let tortoise = Mirage_sleep.ns (Duration.of_hour 1) >|= fun () -> "tortoise" in
  Lwt.pick [ hare; tortoise ] >>= fun winner ->
  print_endline winner;
  match Lwt.state tortoise with
  | Lwt.Fail Lwt.Canceled ->
      print_endline "the other was cancelled";
      Lwt.return_unit
  | Lwt.Return _ | Lwt.Sleep | Lwt.Fail _ -> Lwt.fail_with "the other runs on"
