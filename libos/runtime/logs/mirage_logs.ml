let now () = Rfc3339.of_posix_seconds (Int64.to_int (Int64.div (Platform.wall_ns ()) 1_000_000_000L))

let print_tags ch tags =
  let print (Logs.Tag.V (tag, value)) () =
    Format.fprintf ch " %s=%a" (Logs.Tag.name tag) (Logs.Tag.printer tag) value
  in
  Logs.Tag.fold print tags ()

let level_name = function
  | Logs.App -> "APP"
  | Error -> "ERROR"
  | Warning -> "WARNING"
  | Info -> "INFO"
  | Debug -> "DEBUG"

let print_header ch header =
  Format.pp_print_char ch '[';
  Format.pp_print_string ch header;
  Format.pp_print_char ch ']'

(* Printed piece by piece: a format for all of it would have to be put together, and gone through, for each message. *)
let create ?(ch = Format.err_formatter) () =
  let report source level ~over k message =
    message @@ fun ?header ?(tags = Logs.Tag.empty) format ->
    let finish ch =
      Format.pp_close_box ch ();
      Format.pp_print_newline ch ();
      over ();
      k ()
    in
    Format.pp_print_string ch (now ());
    Format.pp_print_char ch ':';
    print_tags ch tags;
    Format.pp_print_char ch ' ';
    (match (header, level) with
    | Some header, _ -> print_header ch header
    | None, Logs.App -> () (* a message for the application's user has a header only if it brings one *)
    | None, level -> print_header ch (level_name level));
    Format.pp_print_string ch " [";
    Format.pp_print_string ch (Logs.Src.name source);
    Format.pp_print_string ch "] ";
    Format.pp_open_box ch 0;
    Format.kfprintf finish ch format
  in
  { Logs.report }
