let () = Mirage.register (List.find (fun _ -> false) [ "name" ]) []
