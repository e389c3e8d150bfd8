open Cmdliner
open Lwt.Infix

type how = Return | Exit | Raise | Fail | Forever | Deep | Memory

let how =
  let ways =
    [
      ("return", Return);
      ("exit", Exit);
      ("raise", Raise);
      ("fail", Fail);
      ("forever", Forever);
      ("deep", Deep);
      ("memory", Memory);
    ]
  in
  let doc = Arg.info ~doc:"How to end." [ "how" ] in
  Mirage_runtime.register_arg Arg.(value & opt (enum ways) Return doc)

let status =
  let doc = Arg.info ~doc:"The status of exit." [ "status" ] in
  Mirage_runtime.register_arg Arg.(value & opt int 3 doc)

let fall () = failwith "pushed"

let rec forever () =
  Logs.info (fun f -> f "still here");
  Mirage_sleep.ns (Duration.of_sec 1) >>= forever

let rec depth n = 1 + depth (n + 1)
let rec hoard kept = hoard (Bytes.create 100_000 :: kept)

let start () =
  Logs.info (fun f -> f "started");
  match how () with
  | Return -> Lwt.return_unit
  | Exit -> exit (status ())
  | Raise -> Lwt.pause () >|= fall
  | Fail -> failwith "pushed"
  | Forever -> forever ()
  | Deep -> (
      try Lwt.return (ignore (depth 0))
      with Stack_overflow ->
        Logs.info (fun f -> f "caught Stack_overflow");
        Lwt.return_unit)
  | Memory -> (
      try hoard []
      with Out_of_memory ->
        Logs.info (fun f -> f "caught Out_of_memory");
        Lwt.return_unit)
