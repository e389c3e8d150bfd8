let () = Mirage.register "nothing" []
