(* What the unikernel is made of. *)
open Mirage

(* The files of the folder htdocs become part of the image. *)
let site = generic_kv_ro "htdocs"

(* An HTTP server, over TCP and IP, over the network interface called service. *)
let server = cohttp_server (conduit_direct (generic_stackv4v6 default_network))

(* And some libraries: duration for spans of time, magic-mime for the types of files, uri for
   addresses of pages. *)
let packages = [ package "duration"; package "magic-mime"; package "uri" ]
let main = main ~packages "Unikernel.Main" (kv_ro @-> http @-> job)
let () = register "web" [ main $ site $ server ]
