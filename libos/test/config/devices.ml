(* Devices of one's own, functors, choices, arguments: what config.ml can say. *)

open Mirage

type cache = CACHE

let cache = typ CACHE

type store = STORE

let store = typ STORE
let size = Runtime_arg.create ~pos:("config.ml", 12, 0, 0) "Unikernel.size"

let memory =
  let connect info module_name = function
    | [ size ] -> code ~pos:__POS__ "%s.connect ~name:%S %s" module_name (Info.name info) size
    | _ -> connect_err "memory" 1
  in
  impl "Cache.Memory" cache ~packages:[ package "lwt" ] ~runtime_args:[ Runtime_arg.v size ] ~connect

let disk = impl "Cache.Disk" cache
let store_of = impl "Store.Make" (cache @-> store) ~packages:[ package ~sublibs:[ ""; "fmt" ] "logs" ]
let compressed = Key.(create "compressed" Arg.(flag (info [ "compressed" ] ~doc:"Compress.")))
let chosen = if_impl (Key.value compressed) disk memory

let by_target =
  match_impl (Key.value Key.target) ~default:disk [ (`Unix, memory) ]

let main =
  main "Unikernel.Main"
    (cache @-> store @-> store @-> job)
    ~pos:("config.ml", 33, 0, 0)
    ~local_libs:[ "colours" ]
    ~deps:[ dep disk ]
    ~runtime_args:[ runtime_arg ~pos:("config.ml", 36, 0, 0) "Cmdliner.Term.const 3"; Runtime_arg.v size ]

let () =
  register "devices"
    ~reporter:(default_reporter ~level:(Some Logs.Debug) ())
    ~argv:no_argv ~random:no_random
    [ main $ chosen $ (store_of $ chosen) $ (store_of $ by_target) ]
