(* Does with its disk what is typed, and says what came of it. *)
open Mirage

let main = main "Unikernel.Main" (block @-> job)
let () = register "diskshell" [ main $ block_of_file "storage" ]
