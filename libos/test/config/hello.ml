open Mirage

let main = main "Unikernel" job ~packages:[ package "duration"; package ~min:"0.2.0" "randomconv" ]
let () = register "hello" [ main ]
