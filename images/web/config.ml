(* What the unikernel is made of. *)
open Mirage

(* The files of the folder htdocs become part of the image. *)
let site = generic_kv_ro "htdocs"

(* An HTTP server, over TCP and IP, over the network interface called service. *)
let server = cohttp_server (conduit_direct (generic_stackv4v6 default_network))

(* The libraries magic-mime, which knows the types of files by their names, and uri. *)
let main =
  main "Unikernel.Main" (kv_ro @-> http @-> job) ~packages:[ package "magic-mime"; package "uri" ]

let () = register "web" [ main $ site $ server ]
