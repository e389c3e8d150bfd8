(* Small servers for tests of networks: TCP 7 and UDP 7 echo, 9 listens and says nothing, 13 closes
   at once; and, when told where, a client of another guest's port 7. *)
open Mirage

let main = main "Unikernel.Main" (stackv4v6 @-> job)
let () = register "services" [ main $ generic_stackv4v6 default_network ]
