open Lwt.Infix
open Cmdliner

let whom = Mirage_runtime.register_arg Arg.(value & opt string "world" & info [ "whom" ] ~doc:"Whom to greet.")

let rec start () = greet 2

and greet = function
  | 0 -> Lwt.return_unit
  | n ->
      Logs.info (fun m -> m "hello %s, I am %s" (whom ()) (Mirage_runtime.name ()));
      Mirage_sleep.ns (Duration.of_ms 1) >>= fun () -> greet (n - 1)
