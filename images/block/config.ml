(* What the unikernel is made of. *)
open Mirage

(* A block device called storage. Which file is behind it is decided when the unikernel is
   booted: labkit run images/block --disk storage=FILE *)
let storage = block_of_file "storage"

(* The job is a functor: Unikernel.Main is given the module that drives the device, and its
   function [start] the device. *)
let main = main "Unikernel.Main" (block @-> job)
let () = register "block" [ main $ storage ]
