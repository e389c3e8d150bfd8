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

Name servers are those that an argument names, else those that DHCP told, else the library's.

  $ ./names.exe generate -t virtio --out .
  $ grep -A 2 -e 'let .*dns_.*arg' -e 'let he_.*_arg' -e 'let resolver_arg' main.ml | grep Mirage_runtime_network
      (Mirage_runtime_network.he_connect_delay (Some 1L))
      (Mirage_runtime_network.he_connect_timeout None)
      (Mirage_runtime_network.dns_servers (Some [ "10.0.0.1"; "tcp:10.0.0.2" ]))
      (Mirage_runtime_network.dns_timeout None)
      (Mirage_runtime_network.dns_cache_size (Some 9))
      (Mirage_runtime_network.dns_servers ~group:"leased" None)
      (Mirage_runtime_network.dns_timeout ~group:"leased" None)
      (Mirage_runtime_network.dns_cache_size ~group:"leased" None)
      (Mirage_runtime_network.resolver ~default:[ "10.0.0.3" ] ())
  $ sed -n '/^let dns_client /,/^let lease/p' main.ml
  let dns_client =
    lazy begin
      Lazy.force stack >>= fun stack ->
      Lazy.force happy_eyeballs >>= fun happy_eyeballs ->
      Dns_client.connect ?nameservers:(dns_servers_arg ())
        ?timeout:(dns_timeout_arg ()) ?cache_size:(dns_cache_size_arg ()) (stack, happy_eyeballs)
    end
  
  let lease =
  $ sed -n '/^let dns_client_2/,/^let conduit/p' main.ml
  let dns_client_2 =
    lazy begin
      Lazy.force stack >>= fun stack ->
      Lazy.force happy_eyeballs >>= fun happy_eyeballs ->
      Lazy.force lease >>= fun lease ->
      Dns_client_2.connect ?nameservers:(match (leased_dns_servers_arg ()) with
        | Some _ as servers -> servers
        | None -> Dns_client_mirage.Nameserver.of_lease lease)
        ?timeout:(leased_dns_timeout_arg ()) ?cache_size:(leased_dns_cache_size_arg ()) (stack, happy_eyeballs)
    end
  
  let resolver =
    lazy begin
      Lazy.force stack >>= fun stack ->
      Resolver.v ?nameservers:(resolver_arg ()) stack >|= function
      | Ok resolver -> resolver
      | Error (`Msg reason) -> invalid_arg reason
    end
  
  let conduit =
  $ sed -n '/^let http_client/,/^let unikernel/p' main.ml
  let http_client =
    lazy begin
      Lazy.force resolver >>= fun resolver ->
      Lazy.force conduit >>= fun conduit ->
      return (Http_client.ctx resolver conduit)
    end
  
  let unikernel_main =
  $ grep -e dns -e eyeballs -e conduit dune
    conduit-mirage
    dns-client-mirage
    happy-eyeballs-mirage
