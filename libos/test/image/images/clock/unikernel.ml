let start () =
  let elapsed = Mirage_mtime.elapsed_ns () in
  Logs.app (fun m -> m "booted less than a minute ago: %b" (elapsed < Duration.of_min 1));
  let year, _, _ = Ptime.to_date (Mirage_ptime.now ()) in
  Logs.app (fun m -> m "this century: %b" (year / 100 = 20));
  let offset = Mirage_ptime.current_tz_offset_s () in
  Logs.app (fun m -> m "%a" (Ptime.pp_human ?tz_offset_s:offset ()) Ptime.epoch);
  Lwt.return_unit
