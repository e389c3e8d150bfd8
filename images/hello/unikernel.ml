open Lwt.Infix
open Cmdliner

(* Arguments of the unikernel. They are read from its command line when it boots; [start]
   takes their values: [hello ()] is what to say. *)

let hello =
  let doc = Arg.info ~doc:"How to say hello." [ "hello" ] in
  Mirage_runtime.register_arg Arg.(value & opt string "Hello, world!" doc)

let count =
  let doc = Arg.info ~doc:"How often to say it." [ "count" ] in
  Mirage_runtime.register_arg Arg.(value & opt int 4 doc)

let pause =
  let doc = Arg.info ~doc:"Milliseconds between one hello and the next." [ "pause" ] in
  Mirage_runtime.register_arg Arg.(value & opt int 100 doc)

let start () =
  (* [Mirage_sleep.ns] is a promise: what follows [>>=] is done when it is kept. *)
  let rec greet remaining =
    if remaining <= 0 then Lwt.return_unit
    else begin
      Logs.info (fun log -> log "%s" (hello ()));
      if remaining = 1 then Lwt.return_unit
      else Mirage_sleep.ns (Duration.of_ms (pause ())) >>= fun () -> greet (remaining - 1)
    end
  in
  greet (count ())
