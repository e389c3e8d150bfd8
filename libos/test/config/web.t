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

A process uses its machine's sockets: there are no layers below, and no lease. Its arguments are those of the other targets.

  $ ./networks.exe generate -t unix --out .
  $ sed -n '/^let stack/,/^  end/p' main.ml
  let stack =
    lazy begin
      Tcpip_stack_socket.V4V6.connect ~ipv4_only:(ipv4_only_arg ()) ~ipv6_only:(ipv6_only_arg ())
        ~ipv4:(ipv4_arg ()) ~ipv6:(ipv6_arg ()) ()
    end
  let stack_2 =
    lazy begin
      Tcpip_stack_socket.V4V6.connect ~ipv4_only:(inside_ipv4_only_arg ()) ~ipv6_only:(inside_ipv6_only_arg ())
        ~ipv4:(inside_ipv4_arg ()) ~ipv6:(inside_ipv6_arg ()) ()
    end
  $ grep -o 'Mirage_runtime_network.*' main.ml
  Mirage_runtime_network.ipv4_only ())
  Mirage_runtime_network.ipv6_only ())
  Mirage_runtime_network.V4.network (Ipaddr.V4.Prefix.of_string_exn "0.0.0.0/0"))
  Mirage_runtime_network.V6.network None)
  Mirage_runtime_network.V4.gateway None)
  Mirage_runtime_network.V6.gateway None)
  Mirage_runtime_network.V6.accept_router_advertisements ())
  Mirage_runtime_network.ipv4_only ~group:"inside" ())
  Mirage_runtime_network.ipv6_only ~group:"inside" ())
  Mirage_runtime_network.V4.network ~group:"inside" (Ipaddr.V4.Prefix.of_string_exn "0.0.0.0/0"))
  Mirage_runtime_network.V6.network ~group:"inside" None)
  Mirage_runtime_network.V4.gateway ~group:"inside" None)
  Mirage_runtime_network.V6.gateway ~group:"inside" None)
  Mirage_runtime_network.V6.accept_router_advertisements ~group:"inside" ())
  $ grep -A 6 devices manifest.json
    "devices": [
      {"name": "stack", "kind": "sockets"},
      {"name": "inside-stack", "kind": "sockets"}
    ],
    "packages": ["cmdliner-stdlib", "duration", "lwt", "mirage-crypto-rng", "mirage-logs", "mirage-mtime", "mirage-ptime", "mirage-runtime", "mirage-sleep", "tcpip"],
    "arguments": []
  }
  $ grep -e tcpip -e unikernel-net dune
    tcpip.stack-socket

Unless it is told to have a stack of its own, over a TAP interface.

  $ ./networks.exe generate -t unix --out . --net ocaml
  $ grep -e 'Netif.connect' -e '"interface"\|interface' main.ml
  let interface_arg =
      (Mirage_runtime_network.interface "tap0")
      Netif.connect ~place:0 (interface_arg ())
