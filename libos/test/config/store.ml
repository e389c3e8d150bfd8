(* A store on a disk, and its argument. *)

open Mirage

let program_block_size = Runtime_arg.create ~pos:("config.ml", 5, 0, 0) "Unikernel.program_block_size"
let store () = chamelon ~program_block_size (block_of_file "storage")
let main = main "Unikernel.Main" (kv_rw @-> kv_rw @-> job)
let () = register "store" [ main $ store () $ store () ]
