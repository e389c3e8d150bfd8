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
