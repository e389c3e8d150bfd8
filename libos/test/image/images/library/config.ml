open Mirage

let () = register "library" [ main "Unikernel" job ~local_libs:[ "colours" ] ]
