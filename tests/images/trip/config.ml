(* Trips each of the kernel's guards, to see that it holds. *)
open Mirage

let main = main "Unikernel" job ~local_libs:[ "fault" ]
let () = register "trip" [ main ]
