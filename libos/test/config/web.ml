(* An HTTP server, over a stack of one's own. *)

open Mirage

let stack = impl "Stack" stackv4v6
let tls = Key.(create "tls" Arg.(flag (info [ "tls" ] ~doc:"Serve HTTPS.")))
let conduit = if_impl (Key.value tls) (conduit_direct ~tls:true stack) (conduit_direct stack)
let main = main "Unikernel.Main" (http @-> Mirage.conduit @-> job)
let () = register "web" [ main $ cohttp_server conduit $ conduit ]
