(* A store that is written until the power is cut, and looked through at the next boot. *)
open Mirage

let program_block_size = Runtime_arg.create ~pos:__POS__ "Unikernel.program_block_size"
let main = main "Unikernel.Main" (kv_rw @-> job)
let () = register "store" [ main $ chamelon ~program_block_size (block_of_file "disk") ]
