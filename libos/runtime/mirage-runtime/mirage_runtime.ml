open Cmdliner

(* From the very start, so that an exception at module initialisation is explained too. [--backtrace] has the
   last word. *)
let () = Printexc.record_backtrace true

(* Arguments *)

let argument_error = 64
let help_version = 63
let s_http = "HTTP OPTIONS"
let s_ssh = "SSH OPTIONS"
let s_tls = "TLS OPTIONS"
let s_he = "HAPPY EYEBALLS OPTIONS"
let s_dns = "DNS OPTIONS"
let s_net = "NETWORK OPTIONS"
let s_log = "LOG AND MONITORING OPTIONS"
let s_disk = "DISK OPTIONS"
let s_ocaml = "OCAML RUNTIME OPTIONS"

let manual () =
  let section title = `S title in
  List.map section
    [
      Manpage.s_arguments;
      Manpage.s_options;
      s_http;
      s_ssh;
      s_tls;
      s_he;
      s_dns;
      s_net;
      s_log;
      s_disk;
      s_ocaml;
      Manpage.s_common_options;
    ]

let registered = ref []
let evaluated = ref false
let runtime_args () = List.rev !registered

let register_arg term =
  if !evaluated then
    invalid_arg
      "Mirage_runtime.register_arg: the arguments have been read already. Register them at top level, outside \
       of start.";
  let value = ref None in
  let keep v = value := Some v in
  registered := Term.(const keep $ term) :: !registered;
  fun () ->
    match !value with
    | Some v -> v
    | None ->
        invalid_arg
          "Mirage_runtime.register_arg: the arguments have not been read yet. Ask for the value in start, or \
           later."

let exits () =
  let status code doc = Cmd.Exit.info ~doc code in
  [
    status Cmd.Exit.ok "on success.";
    status 2 "on an uncaught exception.";
    status help_version "after showing this help.";
    status argument_error "on arguments that do not parse.";
    status Cmd.Exit.internal_error "on an unexpected error while reading the arguments.";
  ]

let with_argv terms name argv =
  if not !evaluated then
    let both first rest = Term.(const (fun () () -> ()) $ first $ rest) in
    let all = List.fold_right both terms (Term.const ()) in
    match Cmd.eval_value ~argv (Cmd.v (Cmd.info name ~man:(manual ()) ~exits:(exits ())) all) with
    | Ok (`Ok ()) -> evaluated := true
    | Ok (`Help | `Version) -> exit help_version
    | Error (`Parse | `Term) -> exit argument_error
    | Error `Exn -> exit Cmd.Exit.internal_error

(* Log thresholds *)

type log_threshold = [ `All | `Src of string ] * Logs.level option

module Conv = struct
  let parse text =
    let threshold source level = Result.map (fun level -> (source, level)) (Logs.level_of_string level) in
    match String.split_on_char ':' text with
    | [ level ] | [ "*"; level ] -> threshold `All level
    | [ source; level ] -> threshold (`Src source) level
    | _ -> Error (`Msg (Printf.sprintf "%S is neither LEVEL nor SOURCE:LEVEL" text))

  let print ppf (source, level) =
    let level = Logs.level_to_string level in
    match source with
    | `All -> Format.pp_print_string ppf level
    | `Src source -> Format.fprintf ppf "%s:%s" source level

  let log_threshold = Arg.conv (parse, print)
end

let logs =
  let doc =
    "Show log messages from this level on: $(b,quiet), $(b,app), $(b,error), $(b,warning), $(b,info) or \
     $(b,debug). $(docv) may be a list, and $(i,SOURCE):$(i,LEVEL) sets the level of one log source: \
     $(b,info,http:debug) shows all that the source $(b,http) says, and of the others what is at least \
     informative."
  in
  Arg.(value & opt (list Conv.log_threshold) [] & info [ "l"; "logs" ] ~docs:s_log ~docv:"LEVEL" ~doc)

let set_level ~default thresholds =
  let level = Option.value (List.assoc_opt `All thresholds) ~default in
  Logs.set_level level;
  let set_source name level =
    match List.find_opt (fun source -> Logs.Src.name source = name) (Logs.Src.list ()) with
    | Some source -> Logs.Src.set_level source level
    | None -> Format.printf "WARNING: %s is not a valid log source.@." name
  in
  List.iter (function `All, _ -> () | `Src name, level -> set_source name level) thresholds

(* Name and delay *)

let delay =
  let doc = "Wait $(docv) seconds before starting." in
  Arg.(value & opt int 0 & info [ "delay" ] ~docs:Manpage.s_common_options ~docv:"SECONDS" ~doc)

let name_k =
  let doc = "What the unikernel calls itself, in log messages sent elsewhere for example." in
  let absent = "the name in config.ml" in
  Arg.(
    value
    & opt (some' string) None
    & info [ "name" ] ~docs:Manpage.s_common_options ~docv:"NAME" ~absent ~doc)

let configured_name = ref "no-name"
let set_name name = configured_name := name

let name =
  let chosen = register_arg name_k in
  fun () -> Option.value (chosen ()) ~default:!configured_name

(* Hooks *)

let exit_hooks = ref []
let enter_iter_hooks = ref []
let leave_iter_hooks = ref []
let add hooks hook = hooks := hook :: !hooks
let at_exit hook = add exit_hooks hook
let at_enter_iter hook = add enter_iter_hooks hook
let at_leave_iter hook = add leave_iter_hooks hook
let run hooks = List.iter (fun hook -> hook ()) !hooks
let run_enter_iter_hooks () = run enter_iter_hooks
let run_leave_iter_hooks () = run leave_iter_hooks

let run_exit_hooks () =
  let run_shielded hook = Lwt.catch hook (fun _ -> Lwt.return_unit) in
  (* Lwt_list.iter_s would do, but no other part of a small image needs it. *)
  List.fold_left (fun before hook -> Lwt.bind before (fun () -> run_shielded hook)) Lwt.return_unit !exit_hooks
