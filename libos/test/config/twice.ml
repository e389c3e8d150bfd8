let () = Mirage.register "first" []
let () = Mirage.register "second" []
