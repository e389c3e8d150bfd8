open Cmdliner

let how =
  let ways =
    [
      ("write-code", Fault.write_code);
      ("write-constant", Fault.write_constant);
      ("execute-data", Fault.execute_data);
      ("execute-stack", Fault.execute_stack);
      ("overflow-stack", Fault.overflow_stack);
      ("null", Fault.null);
      ("smash", Fault.smash);
      ("unmapped", Fault.unmapped);
      ("invalid", Fault.invalid);
      ("abort", Fault.abort);
    ]
  in
  let doc = Arg.info ~doc:"Which guard to trip." [ "how" ] in
  Mirage_runtime.register_arg Arg.(required & opt (some (enum ways)) None doc)

let trip () =
  (how ()) ();
  Logs.err (fun f -> f "still alive")

let start () =
  trip ();
  Lwt.return_unit
