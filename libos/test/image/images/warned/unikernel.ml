let start () =
  let forgotten = 3 in
  Lwt.return_unit
