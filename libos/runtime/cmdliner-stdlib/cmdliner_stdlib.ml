open Cmdliner

let argument kind name ~docv ~doc default =
  Arg.(value & opt kind default & info [ name ] ~docs:"OCAML RUNTIME OPTIONS" ~docv ~doc)

let backtrace ~default =
  argument Arg.bool "backtrace" ~docv:"BOOL" ~doc:"Show where an uncaught exception was raised." default

let randomize_hashtables ~default =
  argument Arg.bool "randomize-hashtables" ~docv:"BOOL" ~doc:"Make hash tables differ from run to run." default

let policy = Arg.enum [ ("next-fit", 0); ("first-fit", 1); ("best-fit", 2) ]

let gc_control ~default =
  let update allocation_policy minor_heap_size major_heap_increment space_overhead max_overhead verbose window_size
      custom_major_ratio custom_minor_ratio custom_minor_max_size =
    {
      default with
      Gc.allocation_policy;
      minor_heap_size;
      major_heap_increment;
      space_overhead;
      max_overhead;
      verbose;
      window_size;
      custom_major_ratio;
      custom_minor_ratio;
      custom_minor_max_size;
    }
  in
  let number = argument Arg.int in
  Term.(
    const update
    $ argument policy "allocation-policy" ~docv:"POLICY"
        ~doc:"How the major heap finds room: $(b,next-fit), $(b,first-fit) or $(b,best-fit)."
        default.allocation_policy
    $ number "minor-heap-size" ~docv:"WORDS" ~doc:"Size of the heap for new values." default.minor_heap_size
    $ number "major-heap-increment" ~docv:"WORDS"
        ~doc:"How much the major heap grows at a time: per cent if at most 1000, else words."
        default.major_heap_increment
    $ number "space-overhead" ~docv:"PERCENT" ~doc:"Memory that may be wasted so as to collect less often."
        default.space_overhead
    $ number "max-space-overhead" ~docv:"PERCENT" ~doc:"Free memory that triggers a compaction."
        default.max_overhead
    $ number "gc-verbosity" ~docv:"BITS" ~doc:"What the garbage collector reports of its work." default.verbose
    $ number "gc-window-size" ~docv:"SLICES" ~doc:"Slices over which the collector evens out its work."
        default.window_size
    $ number "custom-major-ratio" ~docv:"PERCENT"
        ~doc:"Memory outside of the heap, held by major values, relative to the heap." default.custom_major_ratio
    $ number "custom-minor-ratio" ~docv:"PERCENT"
        ~doc:"Memory outside of the heap, held by new values, relative to the heap." default.custom_minor_ratio
    $ number "custom-minor-max-size" ~docv:"BYTES"
        ~doc:"Largest block outside of the heap that counts as held by a new value." default.custom_minor_max_size)

let when_given default term apply =
  match default with None -> Term.const () | Some default -> Term.(const apply $ term ~default)

let setup ?backtrace:(trace = Some false) ?randomize_hashtables:(randomize = Some false)
    ?gc_control:(control = Some (Gc.get ())) () =
  let apply_control wanted = if Some wanted <> control then Gc.set wanted in
  let apply_randomize on = if on then Hashtbl.randomize () in
  Term.(
    const (fun () () () -> ())
    $ when_given trace backtrace Printexc.record_backtrace
    $ when_given randomize randomize_hashtables apply_randomize
    $ when_given control gc_control apply_control)
