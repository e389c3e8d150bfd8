open Mirage

let main = main "Unikernel.Main" (block @-> block @-> job)
let () = register "disks" [ main $ block_of_file "disk.img" $ ramdisk "scratch" ]
