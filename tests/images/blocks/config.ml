(* Two disks and one in memory, put through what a driver must stand. *)
open Mirage

let main = main ~packages:[ package "duration" ] "Unikernel.Main" (block @-> block @-> block @-> job)
let () = register "blocks" [ main $ block_of_file "first" $ ramdisk "scratch" $ block_of_file "second" ]
