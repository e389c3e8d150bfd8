let now () = Rfc3339.of_posix_seconds (Int64.to_int (Int64.div (Platform.wall_ns ()) 1_000_000_000L))

let pp_tags ppf tags =
  let pp_tag (Logs.Tag.V (tag, value)) () =
    Format.fprintf ppf " %s=%a" (Logs.Tag.name tag) (Logs.Tag.printer tag) value
  in
  Logs.Tag.fold pp_tag tags ()

(* A message for the application's user has a header only if it brings one. *)
let pp_header ppf = function
  | _, Some header -> Format.fprintf ppf "[%s]" header
  | Logs.App, None -> ()
  | level, None -> Format.fprintf ppf "[%a]" Logs.pp_level level

let create ?(ch = Format.err_formatter) () =
  let report source level ~over k message =
    message @@ fun ?header ?(tags = Logs.Tag.empty) format ->
    let finish _ =
      over ();
      k ()
    in
    Format.kfprintf finish ch
      ("%s:%a %a [%s] @[" ^^ format ^^ "@]@.")
      (now ()) pp_tags tags pp_header (level, header) (Logs.Src.name source)
  in
  { Logs.report }
