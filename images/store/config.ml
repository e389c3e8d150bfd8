(* What the unikernel is made of. *)
open Mirage

(* A store of keys and values on a block device. Upstream's toolchain puts a file system there
   (littlefs, by the library chamelon), the offline one a log of its own: neither can read what
   the other has written. *)
let program_block_size = Runtime_arg.create ~pos:__POS__ "Settings.program_block_size"
let store = chamelon ~program_block_size (block_of_file "storage")

(* The job is a functor: Unikernel.Main is given the module that is the store. *)
let main = main "Unikernel.Main" (kv_rw @-> job)
let () = register "store" [ main $ store ]
