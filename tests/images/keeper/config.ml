open Mirage

let program_block_size = Runtime_arg.create ~pos:__POS__ "Settings.program_block_size"
let store = chamelon ~program_block_size (block_of_file "storage")
let () = register "keeper" [ main "Unikernel.Main" (kv_rw @-> job) $ store ]
