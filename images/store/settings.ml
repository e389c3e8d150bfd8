open Cmdliner

(* For upstream's store, which divides the disk by it; the offline toolchain's has its own way. *)
let program_block_size =
  let doc = Arg.info ~doc:"The least that is written at a time, in bytes." [ "program-block-size" ] in
  Arg.(value & opt int 16 doc)
