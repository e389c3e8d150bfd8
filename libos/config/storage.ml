open Impl

type block

let block = abstract_type ()
let kind = "block"

(* On the bus a device has a name; for the target unix it is a file, which may be anywhere. *)
let block_of_file =
  once (fun file ->
      let name = Filename.basename file in
      let connect (info : Info.t) module_name _ =
        let path = match info.target with #Key.mode_unix -> file | _ -> name in
        code ~pos:__POS__ "%s.connect ~place:%d %S" module_name (Info.place info ~name ~kind) path
      in
      v "Block" ~variable:"block" ~kind:(Hardware { name; kind }) ~packages:[ Package.v "unikernel-block" ] ~connect block)

let block_of_xenstore_id _ = unsupported "block_of_xenstore_id"

let ramdisk =
  once (fun name ->
      let connect _ module_name _ = code ~pos:__POS__ "%s.connect ~name:%S" module_name name in
      v "Ramdisk" ~packages:[ Package.v ~libs:[ "mirage-block-ramdisk" ] "mirage-block-ramdisk" ] ~connect block)

let generic_block ?group ?key name =
  let key = match key with Some key -> key | None -> Key.value (Key.block ?group ()) in
  match_ key ~default:(ramdisk name)
    [ (`XenstoreId, block_of_xenstore_id name); (`BlockFile, block_of_file name); (`Ramdisk, ramdisk name) ]

let ccm_block ?nonce_len:_ _ _ = unsupported "ccm_block"

type kv_ro

let kv_ro = abstract_type ()

let crunch =
  let names = Name.scope [] in
  once (fun folder ->
      let module_name = String.capitalize_ascii (Name.fresh names ("static_" ^ Name.of_expression folder)) in
      let connect _ module_name _ = code ~pos:__POS__ "%s.connect ()" module_name in
      let packages = [ Package.v "mirage-kv-mem"; Package.v ~build:true Crunch_rules.package ] in
      v module_name ~kind:(Files { folder }) ~packages ~connect kv_ro)

let direct_kv_ro folder =
  if_ Key.is_unix (unsupported "direct_kv_ro") (crunch folder)

let generic_kv_ro ?group ?key folder =
  let key = match key with Some key -> key | None -> Key.value (Key.kv_ro ?group ()) in
  match_ key ~default:(crunch folder) [ (`Direct, direct_kv_ro folder) ]

let tar_kv_ro _ = unsupported "tar_kv_ro"
let fat_ro _ = unsupported "fat_ro"
let docteur ?mode:_ ?name:_ ?output:_ ?analyze:_ ?branch:_ ?extra_deps:_ _ = unsupported "docteur"

type kv_rw

let kv_rw = abstract_type ()
let direct_kv_rw _ = unsupported "direct_kv_rw"

let kv_rw_mem () =
  let connect _ module_name _ = code ~pos:__POS__ "%s.connect ()" module_name in
  v "Mirage_kv_mem" ~packages:[ Package.v "mirage-kv-mem" ] ~connect kv_rw

(* A device that is named twice has one store. *)
let log_store =
  once (fun program_block_size ->
      let connect _ module_name = function
        | [ block; program_block_size ] ->
            code ~pos:__POS__
              "ignore (%s : int);\n\
               %s.connect %s >>= function\n\
               | Ok store -> return store\n\
               | Error error ->\n\
              \  Lwt.fail_with (Format.asprintf \"The store cannot be used: %%a.\" Log_store.pp_connect_error error)"
              program_block_size module_name block
        | _ -> assert false
      in
      v "Log_store.Make"
        ~packages:[ Package.v "unikernel-log-store" ]
        ~runtime_args:[ Runtime_arg.v program_block_size ]
        ~connect (block @-> kv_rw))

let chamelon ~program_block_size device = log_store program_block_size $ device
let tar_kv_rw _ = unsupported "tar_kv_rw"
