(* Every file below [folder], with its path in there, in the order of paths. *)
let rec files folder inside =
  let entry name =
    let path = if inside = "" then name else inside ^ "/" ^ name in
    let place = Filename.concat folder path in
    if Sys.is_directory place then files folder path else [ (path, place) ]
  in
  let names = Sys.readdir (Filename.concat folder inside) in
  Array.sort String.compare names;
  List.concat_map entry (Array.to_list names)

let read place =
  let channel = open_in_bin place in
  Fun.protect ~finally:(fun () -> close_in channel) (fun () -> really_input_string channel (in_channel_length channel))

(* As it is, as far as a literal can have it: it is read faster, by people too. *)
let literal text =
  let buffer = Buffer.create (String.length text + 100) in
  let add = function
    | ('"' | '\\') as char ->
        Buffer.add_char buffer '\\';
        Buffer.add_char buffer char
    | '\r' -> Buffer.add_string buffer "\\r"
    | char -> Buffer.add_char buffer char
  in
  Buffer.add_char buffer '"';
  String.iter add text;
  Buffer.add_char buffer '"';
  Buffer.contents buffer

let now () =
  let seconds =
    match Sys.getenv_opt "SOURCE_DATE_EPOCH" with Some seconds -> float_of_string seconds | None -> Unix.gettimeofday ()
  in
  Ptime.Span.to_d_ps (Ptime.to_span (Option.get (Ptime.of_float_s seconds)))

let write path print =
  let channel = open_out_bin path in
  Fun.protect ~finally:(fun () -> close_out channel) (fun () -> print channel)

let head channel folder =
  Printf.fprintf channel "(* The files of the folder %s, made by crunch: changes here are lost. *)\n\n"
    (String.escaped folder)

let interface folder channel =
  head channel folder;
  output_string channel "include Mirage_kv.RO\n\nval connect : unit -> t Lwt.t\n"

let implementation folder channel =
  let days, ps = now () in
  head channel folder;
  output_string channel "[@@@warning \"-eol-in-string\"]\n\ninclude Mirage_kv_mem\n\nlet files =\n  [\n";
  List.iter (fun (path, place) -> Printf.fprintf channel "    (%S, %s);\n" path (literal (read place))) (files folder "");
  Printf.fprintf channel
    {|  ]

let built = Ptime.v (%d, %LdL)

let connect () =
  let open Lwt.Infix in
  connect ~now:(fun () -> built) () >>= fun t ->
  let add (path, content) =
    set t (Mirage_kv.Key.v path) content >|= function Ok () -> () | Error _ -> invalid_arg path
  in
  Lwt_list.iter_s add files >|= fun () -> t
|}
    days ps

let () =
  match Sys.argv with
  | [| _; name; folder |] ->
      write (name ^ ".mli") (interface folder);
      write (name ^ ".ml") (implementation folder)
  | _ ->
      prerr_endline "usage: crunch.exe MODULE FOLDER";
      exit 2
