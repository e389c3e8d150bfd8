let start () =
  Logs.info (fun m -> m "%d" "one");
  Lwt.return_unit
