let rec run_until_stuck promise =
  match Lwt.state promise with
  | Return value -> Some value
  | Fail exn -> raise exn
  | Sleep when Lwt.paused_count () = 0 -> None
  | Sleep ->
      Lwt.wakeup_paused ();
      run_until_stuck promise

let run promise = match run_until_stuck promise with Some value -> value | None -> failwith "this never ends"
let () = Lwt.async_exception_hook := raise
