An HTTP server is given as the function that listens. Modules that use it see cohttp 6's interfaces.

  $ ./web.exe generate -t virtio --out .
  $ sed -n '/^module/,/^$/p; /^let conduit/,/^let unikernel/p' main.ml
  module Conduit = Conduit_mirage.TCP (Stack)
  module Http_server = Cohttp_mirage.Server.Make (Conduit)
  module Unikernel_main = Unikernel.Main (Http_server) (Conduit)
  
  let conduit =
    lazy begin
      Lazy.force stack >>= fun stack ->
      return stack
    end
  
  let http_server =
    lazy begin
      Lazy.force conduit >>= fun conduit ->
      return (Http_server.listen conduit)
    end
  
  let unikernel_main =
  $ grep -e cohttp -e conduit dune
    cohttp-mirage
    conduit-mirage
    unikernel-cohttp
     -open Unikernel_compat -open Unikernel_cohttp))

HTTPS is not there.

  $ ./web.exe generate -t virtio --tls
  {"error": "The device conduit_direct ~tls:true is not in the offline toolchain.", "hint": "Build it with upstream's MirageOS instead: labkit build --toolchain opam", "feature": "conduit_direct ~tls:true"}
  [3]
