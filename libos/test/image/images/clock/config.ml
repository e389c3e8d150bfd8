open Mirage

let main = main "Unikernel" job ~packages:[ package "duration"; package "randomconv" ]
let () = register "clock" [ main ]
