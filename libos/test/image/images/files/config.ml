open Mirage

let main = main "Unikernel.Main" (kv_ro @-> kv_ro @-> kv_rw @-> job)
let () = register "files" [ main $ generic_kv_ro "www" $ crunch "more/deep" $ kv_rw_mem () ]
