let program_block_size = Cmdliner.Arg.(value & opt int 16 (info [ "program-block-size" ]))
