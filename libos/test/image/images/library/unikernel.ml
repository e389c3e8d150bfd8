let start () =
  print_endline (Helper.join Colours.all);
  Lwt.return_unit
