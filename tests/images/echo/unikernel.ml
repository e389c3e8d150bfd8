let rec repeat () =
  match read_line () with
  | "bye" -> print_endline "bye"
  | line ->
      print_endline ("you said: " ^ line);
      repeat ()

let start () =
  print_endline "ready";
  repeat ();
  Lwt.return_unit
