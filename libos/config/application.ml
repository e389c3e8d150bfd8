open Cmdliner

let refused_status = 3

type t = { name : string; init : Impl.abstract list; jobs : Impl.abstract list }

(* Generating *)

let write path text =
  try
    let channel = open_out_bin path in
    Fun.protect ~finally:(fun () -> close_out channel) (fun () -> output_string channel text)
  with Sys_error reason -> Refusal.refuse ~hint:"Check the folder and the space on the disk." "%s" reason

(* Our own files say so in their first line. *)
let ours path =
  let channel = open_in_bin path in
  Fun.protect
    ~finally:(fun () -> close_in channel)
    (fun () ->
      match input_line channel with
      | first -> String.ends_with ~suffix:"made from config.ml: changes here are lost." first
      | exception End_of_file -> false)

let foreign path = Sys.file_exists path && not (ours path)

(* The name becomes a file name, a domain's name and an XML attribute. *)
let check_name ~what name =
  let allowed = function 'a' .. 'z' | 'A' .. 'Z' | '0' .. '9' | '_' | '-' | '.' -> true | _ -> false in
  let valid = name <> "" && name.[0] <> '.' && name.[0] <> '-' && String.for_all allowed name in
  if not valid then
    Refusal.refuse ~hint:"Use letters, digits, and _ - or . after the first character." "%S cannot name a %s." name what

let most_devices = 14

let check_hardware hardware =
  let check_one checked (name, kind) =
    check_name ~what:(kind ^ " device") name;
    if List.mem name checked then
      Refusal.refuse ~hint:"Give each device a name of its own." "Two devices are called %S." name;
    name :: checked
  in
  let (_ : string list) = List.fold_left check_one [] hardware in
  if List.length hardware > most_devices then
    Refusal.refuse ~hint:"Put the contents of several devices on one." "A unikernel has at most %d devices." most_devices

let evaluate { name; init; jobs } =
  check_name ~what:"unikernel" name;
  let target = Key.eval (Key.value Key.target) in
  let (_ : string) = Dune_file.target_library target in
  let names = Name.scope Entry_module.reserved_names in
  let graph = Graph.build ~names ~init jobs in
  List.iter Package.check (Graph.packages graph);
  let info = { Impl.Info.name; target; hardware = Graph.hardware graph } in
  check_hardware info.hardware;
  (names, info, graph)

let generate application folder =
  let names, info, graph = evaluate application in
  let inside = Filename.concat folder in
  let entry = inside Entry_module.file and dune = inside Dune_file.file in
  if foreign entry then
    Refusal.refuse ~hint:"Rename your file: the entry module that is generated has this name."
      "The folder has a file %s already." Entry_module.file;
  let own_dune = foreign dune in
  if own_dune && Graph.files graph <> [] then
    Refusal.refuse ~hint:"Remove it: config.ml makes one."
      "The folder has a file dune of its own, which has no rule for the files that crunch is to put into the image.";
  let dune_text = Dune_file.text info ~folder graph in
  write entry (Entry_module.text ~names info graph);
  if not own_dune then write dune dune_text;
  write (inside Manifest.file) (Json.to_text (Manifest.json info graph))

(* Describing *)

let describe ({ init; jobs; _ } as application) =
  let _, info, graph = evaluate application in
  let line title = function [] -> () | words -> Printf.printf "%-10s %s\n" title (String.concat ", " words) in
  let module_of { Graph.module_path; device; args; _ } =
    let args = List.map (fun { Graph.module_path; _ } -> Printf.sprintf " (%s)" module_path) args in
    if args = [] then module_path else device.module_name ^ String.concat "" args
  in
  line "Name" [ info.name ];
  line "Target" [ Key.target_name info.target ];
  line "Keys" (List.map Key.describe (Impl.all_keys (init @ jobs)));
  line "Devices" (List.map (fun (name, kind) -> name ^ " (" ^ kind ^ ")") info.hardware);
  line "Jobs" (List.map module_of graph.jobs);
  line "Arguments" (List.map Runtime_arg.term (Graph.runtime_args graph));
  line "Packages" (List.sort_uniq String.compare (List.map Package.name (Graph.packages graph)));
  line "Libraries" (Graph.local_libs graph)

(* The command line *)

let out =
  let doc = "The folder to write the entry module, the dune file and the manifest to." in
  Arg.(value & opt dir "." & info [ "o"; "out" ] ~docv:"DIR" ~doc)

let command application =
  let target = Key.v Key.target in
  let all_keys = Impl.all_keys (application.init @ application.jobs) in
  let others = List.filter (fun key -> Key.name key <> Key.name target) all_keys in
  let keys = Key.term (target :: others) in
  let with_keys run = Term.(const (fun () run -> run ()) $ keys $ run) in
  let generate =
    Cmd.v
      (Cmd.info "generate" ~doc:"Write what dune needs to build the image.")
      (with_keys Term.(const (fun folder () -> generate application folder) $ out))
  in
  let describe =
    Cmd.v
      (Cmd.info "describe" ~doc:"Say what the image consists of.")
      (with_keys Term.(const (fun () -> describe application)))
  in
  Cmd.group (Cmd.info "config.exe" ~doc:"The configuration of a unikernel.") [ generate; describe ]

let fail refusal =
  prerr_endline (Json.to_line (Refusal.to_json refusal));
  exit refused_status

let run application =
  let messages = Buffer.create 80 in
  let err = Format.formatter_of_buffer messages in
  Format.pp_set_margin err 10_000;
  match Cmd.eval_value ~catch:false ~err (command application) with
  | Ok (`Ok () | `Help | `Version) -> ()
  | Error _ ->
      Format.pp_print_flush err ();
      let reason = List.hd (String.split_on_char '\n' (Buffer.contents messages)) in
      fail { error = reason; hint = "See config.exe --help."; subject = None }
  | exception Refusal.Refused refusal -> fail refusal

(* Registering *)

let registered = ref false

let register ?(argv = Basic.default_argv) ?(reporter = Basic.default_reporter ()) ?(sleep = Basic.default_sleep)
    ?(ptime = Basic.default_ptime) ?(mtime = Basic.default_mtime) ?(random = Basic.default_random) ?src:_ name jobs =
  if !registered then
    fail
      {
        error = "config.ml registers two unikernels.";
        hint = "Call register once; it takes a list of jobs.";
        subject = None;
      };
  registered := true;
  let open Impl in
  let init =
    [
      dep (First_jobs.read_arguments argv);
      dep First_jobs.wait_for_delay;
      dep reporter;
      dep sleep;
      dep ptime;
      dep mtime;
      dep random;
    ]
  in
  run { name; init; jobs = List.map dep jobs }

(* A configuration that fails before it registers anything ends here too, and is reported below: that something was
   raised shows in the backtrace. *)
let () =
  Printexc.record_backtrace true;
  at_exit (fun () ->
      if (not !registered) && Printexc.raw_backtrace_length (Printexc.get_raw_backtrace ()) = 0 then
        fail
          {
            error = "config.ml registers no unikernel.";
            hint = "End it with: let () = register \"name\" [ main ]";
            subject = None;
          })

let () =
  Printexc.set_uncaught_exception_handler (fun exn _ ->
      fail
        {
          error = "config.ml stopped with an exception: " ^ Printexc.to_string exn;
          hint = "Look for what raises it in config.ml.";
          subject = None;
        })
