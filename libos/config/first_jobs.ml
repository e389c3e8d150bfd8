open Impl

let ocaml_runtime =
  Runtime_arg.stock ~name:"ocaml_runtime_arg"
    "(Cmdliner_stdlib.setup ~backtrace:(Some true) ~randomize_hashtables:(Some true) ())"

let read_arguments argv =
  let connect info _ = function
    | argv :: _ ->
        code ~pos:__POS__
          "Mirage_runtime.set_name %S;\nMirage_runtime.(with_argv (runtime_args ()) %S %s);\nreturn ()" info.Info.name
          info.name argv
    | [] -> assert false
  in
  v "Mirage_runtime" ~variable:"arguments"
    ~packages:[ Package.v "mirage-runtime"; Package.v "cmdliner-stdlib" ]
    ~extra_deps:[ dep argv ]
    ~runtime_args:[ Runtime_arg.v ocaml_runtime ]
    ~connect Basic.job

let wait_for_delay =
  let connect _ _ args =
    code ~pos:__POS__ "match %s with\n| 0 -> return ()\n| seconds -> Mirage_sleep.ns (Duration.of_sec seconds)"
      (String.concat " " args)
  in
  v "Mirage_sleep" ~variable:"delay"
    ~packages:[ Package.v "mirage-sleep"; Package.v "duration" ]
    ~runtime_args:[ Runtime_arg.v Runtime_arg.delay ]
    ~connect Basic.job
