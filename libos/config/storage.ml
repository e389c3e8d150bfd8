open Impl

type block

let block = abstract_type ()
let block_of_file _ = unsupported "block_of_file"
let block_of_xenstore_id _ = unsupported "block_of_xenstore_id"
let ramdisk _ = unsupported "ramdisk"
let generic_block ?group:_ ?key:_ _ = unsupported "generic_block"
let ccm_block ?nonce_len:_ _ _ = unsupported "ccm_block"

type kv_ro

let kv_ro = abstract_type ()
let crunch _ = unsupported "crunch"
let direct_kv_ro _ = unsupported "direct_kv_ro"

let generic_kv_ro ?group ?key folder =
  let key = match key with Some key -> key | None -> Key.value (Key.kv_ro ?group ()) in
  match_ key ~default:(crunch folder) [ (`Direct, direct_kv_ro folder) ]

let tar_kv_ro _ = unsupported "tar_kv_ro"
let fat_ro _ = unsupported "fat_ro"
let docteur ?mode:_ ?name:_ ?output:_ ?analyze:_ ?branch:_ ?extra_deps:_ _ = unsupported "docteur"

type kv_rw

let kv_rw = abstract_type ()
let direct_kv_rw _ = unsupported "direct_kv_rw"
let kv_rw_mem () = unsupported "kv_rw_mem"
let chamelon ~program_block_size:_ _ = unsupported "chamelon"
let tar_kv_rw _ = unsupported "tar_kv_rw"
