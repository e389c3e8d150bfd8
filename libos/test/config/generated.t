What dune gets for a job without devices.

  $ ./hello.exe generate --target virtio --out .
  $ cat main.ml
  (* The entry module of hello for the target virtio, made from config.ml: changes here are lost.
  
     It applies functors to the modules that they need, reads the arguments of the unikernel, connects the devices
     and runs the jobs. A device is connected when it is first needed, and only once: hence [lazy]. *)
  
  (* A device may have no use for what is connected before it. *)
  [@@@warning "-27"]
  
  open Lwt.Infix
  
  let return = Lwt.return
  
  (* The arguments of the unikernel. Their values are known once it has booted. *)
  
  let ocaml_runtime_arg =
    Mirage_runtime.register_arg
      (Cmdliner_stdlib.setup ~backtrace:(Some true) ~randomize_hashtables:(Some true) ())
  
  let delay_arg =
    Mirage_runtime.register_arg
      Mirage_runtime.delay
  
  let logs_arg =
    Mirage_runtime.register_arg
      Mirage_runtime.logs
  
  (* Devices and jobs. *)
  
  let argv =
    lazy begin
      return Sys.argv
    end
  
  let arguments =
    lazy begin
      Lazy.force argv >>= fun argv ->
      Mirage_runtime.set_name "hello";
      Mirage_runtime.(with_argv (runtime_args ()) "hello" argv);
      return ()
    end
  
  let delay =
    lazy begin
      match (delay_arg ()) with
      | 0 -> return ()
      | seconds -> Mirage_sleep.ns (Duration.of_sec seconds)
    end
  
  let reporter =
    lazy begin
      Mirage_runtime.set_level ~default:(Some Logs.Info) (logs_arg ());
      Logs.set_reporter (Mirage_logs.create ());
      return ()
    end
  
  let unikernel =
    lazy begin
      (* Whoever measures the boot is told that it is done. *)
      Platform.stamp "start";
      (Unikernel.start () : unit Lwt.t)
    end
  
  (* What every unikernel does first, then its jobs, one after another. *)
  let () =
    Unikernel_os.Main.run begin
      Lazy.force arguments >>= fun _ ->
      Lazy.force delay >>= fun _ ->
      Lazy.force reporter >>= fun _ ->
      Lazy.force unikernel >>= fun _ ->
      return ()
    end
  $ cat dune
  ; How hello is built for the target virtio, made from config.ml: changes here are lost.
  
  (executable
   (name main)
   (modules :standard \ config)
   (libraries
    cmdliner-stdlib
    duration
    lwt
    mirage-crypto-rng
    mirage-logs
    mirage-mtime
    mirage-ptime
    mirage-runtime
    mirage-sleep
    randomconv
    unikernel-compat
    unikernel-os
    unikernel-platform
    unikernel-kernel)
   (flags
    (-g
     -strict-sequence
     -short-paths
     -w +a-4-9-40-41-42-44-45-48-58-59-60-66-70
     -warn-error -a
     ; MirageOS 4.11's interfaces instead of those of older libraries
     -open Unikernel_compat))
   (ocamlopt_flags
    ; ocamlc, which compiles each module first, has shown its warnings
    (-g -w -a))
   (link_flags
    (:include link-flags.sexp)))
  
  ; How an image for this target is linked
  (rule
   (copy %{lib:unikernel-kernel:link-flags.sexp} link-flags.sexp))
  $ sed 's/"ocaml": "[^"]*"/"ocaml": "VERSION"/' manifest.json
  {
    "format": 1,
    "name": "hello",
    "target": "virtio",
    "toolchain": {"name": "offline", "version": "1", "ocaml": "VERSION"},
    "devices": [],
    "packages": ["cmdliner-stdlib", "duration", "lwt", "mirage-crypto-rng", "mirage-logs", "mirage-mtime", "mirage-ptime", "mirage-runtime", "mirage-sleep", "randomconv"],
    "arguments": []
  }

Functors, devices of one's own, arguments, choices.

  $ mkdir devices
  $ ./devices.exe generate -t unix --out devices
  $ cat devices/main.ml
  (* The entry module of devices for the target unix, made from config.ml: changes here are lost.
  
     It applies functors to the modules that they need, reads the arguments of the unikernel, connects the devices
     and runs the jobs. A device is connected when it is first needed, and only once: hence [lazy]. *)
  
  (* A device may have no use for what is connected before it. *)
  [@@@warning "-27"]
  
  open Lwt.Infix
  
  let return = Lwt.return
  
  (* The arguments of the unikernel. Their values are known once it has booted. *)
  
  let ocaml_runtime_arg =
    Mirage_runtime.register_arg
      (Cmdliner_stdlib.setup ~backtrace:(Some true) ~randomize_hashtables:(Some true) ())
  
  let delay_arg =
    Mirage_runtime.register_arg
      Mirage_runtime.delay
  
  let logs_arg =
    Mirage_runtime.register_arg
      Mirage_runtime.logs
  
  let unikernel_size =
    Mirage_runtime.register_arg
  # 12 "config.ml"
      Unikernel.size
  # 32 "main.ml"
  
  let cmdliner_term_const_3 =
    Mirage_runtime.register_arg
  # 36 "config.ml"
      (Cmdliner.Term.const 3)
  # 38 "main.ml"
  
  (* Functors, applied to the modules that they need. *)
  module Store_make = Store.Make (Cache.Memory)
  module Unikernel_main = Unikernel.Main (Cache.Memory) (Store_make) (Store_make)
  
  (* Devices and jobs. *)
  
  let argv =
    lazy begin
      return [| "" |]
    end
  
  let arguments =
    lazy begin
      Lazy.force argv >>= fun argv ->
      Mirage_runtime.set_name "devices";
      Mirage_runtime.(with_argv (runtime_args ()) "devices" argv);
      return ()
    end
  
  let delay =
    lazy begin
      match (delay_arg ()) with
      | 0 -> return ()
      | seconds -> Mirage_sleep.ns (Duration.of_sec seconds)
    end
  
  let reporter =
    lazy begin
      Mirage_runtime.set_level ~default:(Some Logs.Debug) (logs_arg ());
      Logs.set_reporter (Mirage_logs.create ());
      return ()
    end
  
  let cache_memory =
    lazy begin
      Cache.Memory.connect ~name:"devices" (unikernel_size ())
    end
  
  let store_make =
    lazy begin
      Lazy.force cache_memory >>= fun cache_memory ->
      return cache_memory
    end
  
  let cache_disk =
    lazy begin
      return ()
    end
  
  let unikernel_main =
    lazy begin
      Lazy.force cache_memory >>= fun cache_memory ->
      Lazy.force store_make >>= fun store_make ->
      Lazy.force cache_disk >>= fun cache_disk ->
      (* Whoever measures the boot is told that it is done. *)
      Platform.stamp "start";
  # 33 "config.ml"
      (Unikernel_main.start
         cache_memory
         store_make
         store_make
         cache_disk
         (cmdliner_term_const_3 ())
         (unikernel_size ())
        : unit Lwt.t)
  # 105 "main.ml"
    end
  
  (* What every unikernel does first, then its jobs, one after another. *)
  let () =
    Unikernel_os.Main.run begin
      Lazy.force arguments >>= fun _ ->
      Lazy.force delay >>= fun _ ->
      Lazy.force reporter >>= fun _ ->
      Lazy.force unikernel_main >>= fun _ ->
      return ()
    end
  $ cat devices/dune
  ; How devices is built for the target unix, made from config.ml: changes here are lost.
  
  (executable
   (name main)
   (modules :standard \ config)
   (libraries
    cmdliner-stdlib
    duration
    logs
    logs.fmt
    lwt
    mirage-logs
    mirage-mtime
    mirage-ptime
    mirage-runtime
    mirage-sleep
    unikernel-compat
    unikernel-os
    unikernel-platform
    colours
    unikernel-unix)
   (flags
    (-g
     -strict-sequence
     -short-paths
     -w +a-4-9-40-41-42-44-45-48-58-59-60-66-70
     -warn-error -a
     ; MirageOS 4.11's interfaces instead of those of older libraries
     -open Unikernel_compat))
   (ocamlopt_flags
    ; ocamlc, which compiles each module first, has shown its warnings
    (-g -w -a))
   (link_flags
    (:include link-flags.sexp)))
  
  ; How an image for this target is linked
  (rule
   (copy %{lib:unikernel-unix:link-flags.sexp} link-flags.sexp))
  $ sed 's/"ocaml": "[^"]*"/"ocaml": "VERSION"/' devices/manifest.json
  {
    "format": 1,
    "name": "devices",
    "target": "unix",
    "toolchain": {"name": "offline", "version": "1", "ocaml": "VERSION"},
    "devices": [],
    "packages": ["cmdliner-stdlib", "duration", "logs", "lwt", "mirage-logs", "mirage-mtime", "mirage-ptime", "mirage-runtime", "mirage-sleep"],
    "arguments": []
  }

Another choice makes other devices.

  $ ./devices.exe describe
  Name       devices
  Target     virtio
  Keys       compressed=false, target=virtio
  Jobs       Unikernel.Main (Cache.Memory) (Store_make) (Store_make_2)
  Arguments  (Cmdliner_stdlib.setup ~backtrace:(Some true) ~randomize_hashtables:(Some true) ()), Mirage_runtime.delay, Mirage_runtime.logs, Unikernel.size, (Cmdliner.Term.const 3)
  Packages   cmdliner-stdlib, duration, logs, lwt, mirage-logs, mirage-mtime, mirage-ptime, mirage-runtime, mirage-sleep
  Libraries  colours
  $ ./devices.exe describe --target unix --compressed
  Name       devices
  Target     unix
  Keys       compressed=true, target=unix
  Jobs       Unikernel.Main (Cache.Disk) (Store_make) (Store_make_2)
  Arguments  (Cmdliner_stdlib.setup ~backtrace:(Some true) ~randomize_hashtables:(Some true) ()), Mirage_runtime.delay, Mirage_runtime.logs, Unikernel.size, (Cmdliner.Term.const 3)
  Packages   cmdliner-stdlib, duration, logs, lwt, mirage-logs, mirage-mtime, mirage-ptime, mirage-runtime, mirage-sleep
  Libraries  colours

It can be generated again, and yields to a dune file of one's own.

  $ ./hello.exe generate --target unix --out .
  $ head -1 dune
  ; How hello is built for the target unix, made from config.ml: changes here are lost.
  $ echo '(my own)' > dune
  $ ./hello.exe generate --target unix --out .
  $ cat dune
  (my own)

Disks have places on the bus, in the order in which they are used; one that is named twice is one.

  $ mkdir disks
  $ ./disks.exe generate -t virtio --out disks
  $ sed -n '/^let block/,/^let unikernel/p' disks/main.ml
  let block =
    lazy begin
      Block.connect ~place:0 "first.img"
    end
  
  let block_2 =
    lazy begin
      Block.connect ~place:1 "second"
    end
  
  let ramdisk =
    lazy begin
      Ramdisk.connect ~name:"scratch"
    end
  
  let block_3 =
    lazy begin
      Block.connect ~place:2 "third"
    end
  
  let unikernel_main =
  $ grep -A 6 devices disks/manifest.json
    "devices": [
      {"name": "first.img", "kind": "block"},
      {"name": "second", "kind": "block"},
      {"name": "third", "kind": "block"}
    ],
    "packages": ["cmdliner-stdlib", "duration", "lwt", "mirage-block-ramdisk", "mirage-crypto-rng", "mirage-logs", "mirage-mtime", "mirage-ptime", "mirage-runtime", "mirage-sleep", "unikernel-block"],
    "arguments": []
  $ ./disks.exe generate -t unix --out disks
  $ grep "[.]connect" disks/main.ml
      Block.connect ~place:0 "images/first.img"
      Block.connect ~place:1 "second"
      Ramdisk.connect ~name:"scratch"
      Block.connect ~place:2 "third"
  $ grep -A 6 devices disks/manifest.json
    "devices": [
      {"name": "first.img", "kind": "block"},
      {"name": "second", "kind": "block"},
      {"name": "third", "kind": "block"}
    ],
    "packages": ["cmdliner-stdlib", "duration", "lwt", "mirage-block-ramdisk", "mirage-crypto-rng", "mirage-logs", "mirage-mtime", "mirage-ptime", "mirage-runtime", "mirage-sleep", "unikernel-block"],
    "arguments": []
  $ ./disks.exe generate -t xen --out disks
  $ grep "[.]connect" disks/main.ml
      Block.connect ~place:0 "first.img"
      Block.connect ~place:1 "second"
      Ramdisk.connect ~name:"scratch"
      Block.connect ~place:2 "third"
  $ grep xen disks/dune
  ; How disks is built for the target xen, made from config.ml: changes here are lost.
    unikernel-xen)
   (copy %{lib:unikernel-xen:link-flags.sexp} link-flags.sexp))
  $ ./disks.exe describe -t virtio --block ramdisk | grep -e Devices -e Keys
  Keys       block=ramdisk, second=second
  Devices    first.img (block), second (block)

Files of folders become modules.

  $ mkdir -p files/t files/site/pages/_drafts/_old files/site/static
  $ ./files.exe generate -t virtio --out files
  $ sed -n '/^let static/,/^let unikernel/p' files/main.ml
  let static_t =
    lazy begin
      Static_t.connect ()
    end
  
  let static_site_pages =
    lazy begin
      Static_site_pages.connect ()
    end
  
  let static_site_static =
    lazy begin
      Static_site_static.connect ()
    end
  
  let unikernel_main =
  $ sed -n '/^; The files/,$p' files/dune
  ; The files of t
  
  (rule
   (targets static_t.ml static_t.mli)
   (deps
    (source_tree "t"))
   (action
    (run %{libexec:unikernel-crunch:crunch.exe} static_t "t")))
  
  ; The files of site/pages
  
  (rule
   (targets static_site_pages.ml static_site_pages.mli)
   (deps
    (source_tree "site/pages"))
   (action
    (run %{libexec:unikernel-crunch:crunch.exe} static_site_pages "site/pages")))
  
  ; The files of site/static
  
  (rule
   (targets static_site_static.ml static_site_static.mli)
   (deps
    (source_tree "site/static"))
   (action
    (run %{libexec:unikernel-crunch:crunch.exe} static_site_static "site/static")))
  
  ; What is in these folders is not for dune to read
  
  (subdir "."
   (data_only_dirs "t"))
  
  (subdir "site"
   (data_only_dirs "pages" "static"))
  
  (subdir "site/pages"
   (data_only_dirs *))
  
  (subdir "site/pages/_drafts"
   (data_only_dirs *))
  $ ./files.exe describe | grep -e Packages -e Jobs
  Jobs       Unikernel.Main (Static_t) (Static_site_pages) (Static_site_static)
  Packages   cmdliner-stdlib, duration, mirage-crypto-rng, mirage-kv-mem, mirage-logs, mirage-mtime, mirage-ptime, mirage-runtime, mirage-sleep, unikernel-crunch
A network stack with DHCP, and one without: each layer is connected once.

  $ mkdir networks
  $ ./networks.exe generate -t virtio --out networks --inside-no-dhcp
  $ sed -n '/^(\* The arguments/,$p' networks/main.ml
  (* The arguments of the unikernel. Their values are known once it has booted. *)
  
  let ocaml_runtime_arg =
    Mirage_runtime.register_arg
      (Cmdliner_stdlib.setup ~backtrace:(Some true) ~randomize_hashtables:(Some true) ())
  
  let delay_arg =
    Mirage_runtime.register_arg
      Mirage_runtime.delay
  
  let logs_arg =
    Mirage_runtime.register_arg
      Mirage_runtime.logs
  
  let ipv6_only_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.ipv6_only ())
  
  let ipv4_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.V4.optional_network ())
  
  let ipv4_gateway_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.V4.gateway None)
  
  let ipv4_only_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.ipv4_only ())
  
  let accept_router_advertisements_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.V6.accept_router_advertisements ())
  
  let ipv6_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.V6.network None)
  
  let ipv6_gateway_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.V6.gateway None)
  
  let inside_ipv6_only_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.ipv6_only ~group:"inside" ())
  
  let inside_ipv4_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.V4.network ~group:"inside" (Ipaddr.V4.Prefix.of_string_exn "192.168.0.1/16"))
  
  let inside_ipv4_gateway_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.V4.gateway ~group:"inside" (Some (Ipaddr.V4.of_string_exn "192.168.255.254")))
  
  let inside_ipv4_only_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.ipv4_only ~group:"inside" ())
  
  let inside_accept_router_advertisements_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.V6.accept_router_advertisements ~group:"inside" ())
  
  let inside_ipv6_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.V6.network ~group:"inside" None)
  
  let inside_ipv6_gateway_arg =
    Mirage_runtime.register_arg
      (Mirage_runtime_network.V6.gateway ~group:"inside" None)
  
  (* Functors, applied to the modules that they need. *)
  module Ethif = Ethernet.Make (Netif)
  module Arpv4 = Arp.Make (Ethif)
  module Dhcp = Dhcp_ipv4.Make (Netif) (Ethif) (Arpv4)
  module Dhcp_net = Dhcp_ipv4.Proj_net (Dhcp)
  module Ip4 = Dhcp_ipv4.Proj_ipv4 (Dhcp)
  module Ip6 = Ipv6.Make (Dhcp_net) (Ethif)
  module Ip = Tcpip_stack_direct.IPV4V6 (Ip4) (Ip6)
  module Icmp = Icmpv4.Make (Ip4)
  module Udpv4v6 = Udp.Make (Ip)
  module Tcpv4v6 = Tcp.Flow.Make (Ip)
  module Stack = Tcpip_stack_direct.MakeV4V6 (Dhcp_net) (Ethif) (Arpv4) (Ip) (Icmp) (Udpv4v6) (Tcpv4v6)
  module Ethif_2 = Ethernet.Make (Netif)
  module Arpv4_2 = Arp.Make (Ethif_2)
  module Ip4_2 = Static_ipv4.Make (Ethif_2) (Arpv4_2)
  module Ip6_2 = Ipv6.Make (Netif) (Ethif_2)
  module Ip_2 = Tcpip_stack_direct.IPV4V6 (Ip4_2) (Ip6_2)
  module Icmp_2 = Icmpv4.Make (Ip4_2)
  module Udpv4v6_2 = Udp.Make (Ip_2)
  module Tcpv4v6_2 = Tcp.Flow.Make (Ip_2)
  module Stack_2 = Tcpip_stack_direct.MakeV4V6 (Netif) (Ethif_2) (Arpv4_2) (Ip_2) (Icmp_2) (Udpv4v6_2) (Tcpv4v6_2)
  module Unikernel_main = Unikernel.Main (Stack) (Stack_2)
  
  (* Devices and jobs. *)
  
  let argv =
    lazy begin
      return Sys.argv
    end
  
  let arguments =
    lazy begin
      Lazy.force argv >>= fun argv ->
      Mirage_runtime.set_name "networks";
      Mirage_runtime.(with_argv (runtime_args ()) "networks" argv);
      return ()
    end
  
  let delay =
    lazy begin
      match (delay_arg ()) with
      | 0 -> return ()
      | seconds -> Mirage_sleep.ns (Duration.of_sec seconds)
    end
  
  let reporter =
    lazy begin
      Mirage_runtime.set_level ~default:(Some Logs.Info) (logs_arg ());
      Logs.set_reporter (Mirage_logs.create ());
      return ()
    end
  
  let netif =
    lazy begin
      Netif.connect ~place:0 "service"
    end
  
  let ethif =
    lazy begin
      Lazy.force netif >>= fun netif ->
      Ethif.connect netif
    end
  
  let arpv4 =
    lazy begin
      Lazy.force ethif >>= fun ethif ->
      Arpv4.connect ethif
    end
  
  let dhcp =
    lazy begin
      Lazy.force netif >>= fun netif ->
      Lazy.force ethif >>= fun ethif ->
      Lazy.force arpv4 >>= fun arpv4 ->
      Dhcp.connect ~no_init:(ipv6_only_arg ()) ?cidr:(ipv4_arg ()) ?gateway:(ipv4_gateway_arg ())
        ~hostname:(Mirage_runtime.name ()) ~requests:[] netif ethif arpv4
    end
  
  let dhcp_net =
    lazy begin
      Lazy.force dhcp >>= fun dhcp ->
      Dhcp_net.connect dhcp
    end
  
  let ip4 =
    lazy begin
      Lazy.force dhcp >>= fun dhcp ->
      Ip4.connect dhcp
    end
  
  let ip6 =
    lazy begin
      Lazy.force dhcp_net >>= fun dhcp_net ->
      Lazy.force ethif >>= fun ethif ->
      Ip6.connect ~no_init:(ipv4_only_arg ())
        ~handle_ra:(accept_router_advertisements_arg ())
        ?cidr:(ipv6_arg ())
        ?gateway:(ipv6_gateway_arg ())
        dhcp_net ethif
    end
  
  let ip =
    lazy begin
      Lazy.force ip4 >>= fun ip4 ->
      Lazy.force ip6 >>= fun ip6 ->
      Ip.connect ~ipv4_only:(ipv4_only_arg ()) ~ipv6_only:(ipv6_only_arg ()) ip4 ip6
    end
  
  let icmp =
    lazy begin
      Lazy.force ip4 >>= fun ip4 ->
      Icmp.connect ip4
    end
  
  let udpv4v6 =
    lazy begin
      Lazy.force ip >>= fun ip ->
      Udpv4v6.connect ip
    end
  
  let tcpv4v6 =
    lazy begin
      Lazy.force ip >>= fun ip ->
      Tcpv4v6.connect ip
    end
  
  let stack =
    lazy begin
      Lazy.force dhcp_net >>= fun dhcp_net ->
      Lazy.force ethif >>= fun ethif ->
      Lazy.force arpv4 >>= fun arpv4 ->
      Lazy.force ip >>= fun ip ->
      Lazy.force icmp >>= fun icmp ->
      Lazy.force udpv4v6 >>= fun udpv4v6 ->
      Lazy.force tcpv4v6 >>= fun tcpv4v6 ->
      Stack.connect dhcp_net ethif arpv4 ip icmp udpv4v6 tcpv4v6
    end
  
  let netif_2 =
    lazy begin
      Netif.connect ~place:1 "inside"
    end
  
  let ethif_2 =
    lazy begin
      Lazy.force netif_2 >>= fun netif_2 ->
      Ethif_2.connect netif_2
    end
  
  let arpv4_2 =
    lazy begin
      Lazy.force ethif_2 >>= fun ethif_2 ->
      Arpv4_2.connect ethif_2
    end
  
  let ip4_2 =
    lazy begin
      Lazy.force ethif_2 >>= fun ethif_2 ->
      Lazy.force arpv4_2 >>= fun arpv4_2 ->
      Ip4_2.connect ~no_init:(inside_ipv6_only_arg ())
        ~cidr:(inside_ipv4_arg ())
        ?gateway:(inside_ipv4_gateway_arg ())
        ethif_2 arpv4_2
    end
  
  let ip6_2 =
    lazy begin
      Lazy.force netif_2 >>= fun netif_2 ->
      Lazy.force ethif_2 >>= fun ethif_2 ->
      Ip6_2.connect ~no_init:(inside_ipv4_only_arg ())
        ~handle_ra:(inside_accept_router_advertisements_arg ())
        ?cidr:(inside_ipv6_arg ())
        ?gateway:(inside_ipv6_gateway_arg ())
        netif_2 ethif_2
    end
  
  let ip_2 =
    lazy begin
      Lazy.force ip4_2 >>= fun ip4_2 ->
      Lazy.force ip6_2 >>= fun ip6_2 ->
      Ip_2.connect ~ipv4_only:(inside_ipv4_only_arg ()) ~ipv6_only:(inside_ipv6_only_arg ()) ip4_2 ip6_2
    end
  
  let icmp_2 =
    lazy begin
      Lazy.force ip4_2 >>= fun ip4_2 ->
      Icmp_2.connect ip4_2
    end
  
  let udpv4v6_2 =
    lazy begin
      Lazy.force ip_2 >>= fun ip_2 ->
      Udpv4v6_2.connect ip_2
    end
  
  let tcpv4v6_2 =
    lazy begin
      Lazy.force ip_2 >>= fun ip_2 ->
      Tcpv4v6_2.connect ip_2
    end
  
  let stack_2 =
    lazy begin
      Lazy.force netif_2 >>= fun netif_2 ->
      Lazy.force ethif_2 >>= fun ethif_2 ->
      Lazy.force arpv4_2 >>= fun arpv4_2 ->
      Lazy.force ip_2 >>= fun ip_2 ->
      Lazy.force icmp_2 >>= fun icmp_2 ->
      Lazy.force udpv4v6_2 >>= fun udpv4v6_2 ->
      Lazy.force tcpv4v6_2 >>= fun tcpv4v6_2 ->
      Stack_2.connect netif_2 ethif_2 arpv4_2 ip_2 icmp_2 udpv4v6_2 tcpv4v6_2
    end
  
  let unikernel_main =
    lazy begin
      Lazy.force stack >>= fun stack ->
      Lazy.force stack_2 >>= fun stack_2 ->
      (* Whoever measures the boot is told that it is done. *)
      Platform.stamp "start";
      (Unikernel_main.start stack stack_2 : unit Lwt.t)
    end
  
  (* What every unikernel does first, then its jobs, one after another. *)
  let () =
    Unikernel_os.Main.run begin
      Lazy.force arguments >>= fun _ ->
      Lazy.force delay >>= fun _ ->
      Lazy.force reporter >>= fun _ ->
      Lazy.force unikernel_main >>= fun _ ->
      return ()
    end
  $ ./networks.exe generate -t xen --out networks && grep "Netif.connect" networks/main.ml
      Netif.connect ~place:16 "service"
      Netif.connect ~place:17 "inside"
  $ ./networks.exe describe -t virtio | grep Devices
  Devices    service (network), inside (network)

A store on a disk.

  $ mkdir store
  $ ./store.exe generate -t virtio --out store
  $ sed -n -e '/^module/p' -e '/^let block/,/^let unikernel_main/p' store/main.ml
  module Log_store_make = Log_store.Make (Block)
  module Unikernel_main = Unikernel.Main (Log_store_make) (Log_store_make)
  let block =
    lazy begin
      Block.connect ~place:0 "storage"
    end
  
  let log_store_make =
    lazy begin
      Lazy.force block >>= fun block ->
      ignore ((unikernel_program_block_size ()) : int);
      Log_store_make.connect block >>= function
      | Ok store -> return store
      | Error error ->
        Lwt.fail_with (Format.asprintf "The store cannot be used: %a." Log_store.pp_connect_error error)
    end
  
  let unikernel_main =
