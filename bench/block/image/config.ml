(* Measures its disk, as bench/block/load.c does on Linux. *)
open Mirage

let main = main "Unikernel.Main" (block @-> job)
let () = register "load" [ main $ block_of_file "storage" ]
