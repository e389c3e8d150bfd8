(* Repeats what is typed, until it reads "bye". *)
open Mirage

let main = main "Unikernel" job
let () = register "echo" [ main ]
