(* Block devices. *)

open Mirage

let second = Key.(create "second" Arg.(opt Cmdliner.Arg.string "second" (info [ "second" ] ~doc:"The second disk.")))
let main = main "Unikernel.Main" (block @-> block @-> block @-> block @-> block @-> job)

let by_name =
  match_impl (Key.value second)
    ~default:(block_of_file "second")
    [ ("other/first.img", block_of_file "other/first.img"); ("a disk", block_of_file "a disk") ]

let () =
  register "disks"
    [
      main $ block_of_file "images/first.img" $ by_name $ ramdisk "scratch"
      $ block_of_file "images/first.img"
      $ generic_block "third";
    ]
