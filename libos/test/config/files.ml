(* Files that become part of the image. *)

open Mirage

let other = Key.(create "other" Arg.(opt Cmdliner.Arg.string "site/static" (info [ "other" ] ~doc:"A folder.")))

let stores = List.map (fun folder -> (folder, crunch folder)) [ "/etc"; "site/../.."; "."; "nowhere"; "a file"; "it's" ]
let by_name = match_impl (Key.value other) ~default:(crunch "site/static") stores
let main = main "Unikernel.Main" (kv_ro @-> kv_ro @-> kv_ro @-> job)
let () = register "files" [ main $ generic_kv_ro "t" $ crunch "site/pages/" $ by_name ]
