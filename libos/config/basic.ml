open Impl

type job

let job = abstract_type ()
let noop = v "Unit" job

type argv

let argv = abstract_type ()
let default_argv = v "Sys" ~variable:"argv" ~connect:(fun _ _ _ -> code ~pos:__POS__ "return Sys.argv") argv
let no_argv = v "Sys" ~variable:"argv" ~connect:(fun _ _ _ -> code ~pos:__POS__ "return [| \"\" |]") argv

type reporter

let reporter = abstract_type ()

let level_name = function
  | None -> "None"
  | Some Logs.App -> "(Some Logs.App)"
  | Some Logs.Error -> "(Some Logs.Error)"
  | Some Logs.Warning -> "(Some Logs.Warning)"
  | Some Logs.Info -> "(Some Logs.Info)"
  | Some Logs.Debug -> "(Some Logs.Debug)"

let default_reporter ?(level = Some Logs.Info) () =
  let connect _ module_name args =
    code ~pos:__POS__ "Mirage_runtime.set_level ~default:%s %s;\nLogs.set_reporter (%s.create ());\nreturn ()"
      (level_name level) (String.concat " " args) module_name
  in
  v "Mirage_logs" ~variable:"reporter"
    ~packages:[ Package.v "mirage-logs" ]
    ~runtime_args:[ Runtime_arg.v Runtime_arg.logs ]
    ~connect reporter

(* What is left out of an image needs no code. *)
let nothing typ = v ~kind:Library "Mirage_runtime" typ
let library module_name package typ = v ~kind:Library module_name ~packages:[ Package.v package ] typ
let no_reporter = nothing reporter

type sleep

let sleep = abstract_type ()
let default_sleep = library "Mirage_sleep" "mirage-sleep" sleep
let no_sleep = nothing sleep

type ptime

let ptime = abstract_type ()
let default_ptime = library "Mirage_ptime" "mirage-ptime" ptime
let no_ptime = nothing ptime
let mock_ptime = unsupported "mock_ptime"

type mtime

let mtime = abstract_type ()
let default_mtime = library "Mirage_mtime" "mirage-mtime" mtime
let no_mtime = nothing mtime
let mock_mtime = unsupported "mock_mtime"

type random

let random = abstract_type ()
let default_random = library "Mirage_crypto_rng" "mirage-crypto-rng" random
let no_random = nothing random
