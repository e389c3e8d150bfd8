open Lwt.Infix
open Cmdliner

let port =
  let doc = Arg.info ~doc:"The TCP port to listen on." [ "port" ] in
  Mirage_runtime.register_arg Arg.(value & opt int 8080 doc)

module Main (Stack : Tcpip.Stack.V4V6) = struct
  (* A connection is a flow: bytes come in pieces, until the other side has no more to say. *)
  let rec hear flow =
    Stack.TCP.read flow >>= function
    | Ok (`Data piece) ->
        Logs.info (fun log -> log "heard %S" (Cstruct.to_string piece));
        hear flow
    | Ok `Eof -> Stack.TCP.close flow
    | Error error ->
        Logs.warn (fun log -> log "%a" Stack.TCP.pp_error error);
        Stack.TCP.close flow

  let serve flow =
    let address, _ = Stack.TCP.dst flow in
    Logs.info (fun log -> log "a connection from %a" Ipaddr.pp address);
    hear flow

  let start stack =
    Stack.TCP.listen (Stack.tcp stack) ~port:(port ()) serve;
    Logs.info (fun log -> log "listening on port %d" (port ()));
    Stack.listen stack
end
