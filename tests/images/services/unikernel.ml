open Lwt.Infix
open Cmdliner

let call =
  let doc = Arg.info ~doc:"Call the echo server at this address, once." [ "call" ] in
  Mirage_runtime.register_arg Arg.(value & opt (some string) None doc)

module Main (Stack : Tcpip.Stack.V4V6) = struct
  let rec echo flow =
    Stack.TCP.read flow >>= function
    | Ok (`Data data) -> (
        Stack.TCP.write flow data >>= function Ok () -> echo flow | Error _ -> Stack.TCP.close flow)
    | Ok `Eof | Error _ -> Stack.TCP.close flow

  let rec silent flow =
    Stack.TCP.read flow >>= function
    | Ok (`Data _) -> silent flow
    | Ok `Eof | Error _ -> Stack.TCP.close flow

  let caller stack address =
    Stack.TCP.create_connection (Stack.tcp stack) (Ipaddr.of_string_exn address, 7) >>= function
    | Error error ->
        Fmt.pr "call failed: %a\n%!" Stack.TCP.pp_error error;
        Lwt.return_unit
    | Ok flow -> (
        Stack.TCP.write flow (Cstruct.of_string "hello over there") >>= fun _ ->
        Stack.TCP.read flow >>= fun answer ->
        Stack.TCP.close flow >|= fun () ->
        match answer with
        | Ok (`Data data) -> Printf.printf "answered: %s\n%!" (Cstruct.to_string data)
        | Ok `Eof | Error _ -> print_endline "not answered")

  let start stack =
    let tcp = Stack.tcp stack and udp = Stack.udp stack in
    Stack.TCP.listen tcp ~port:7 echo;
    Stack.TCP.listen tcp ~port:9 silent;
    Stack.TCP.listen tcp ~port:13 Stack.TCP.close;
    Stack.UDP.listen udp ~port:7 (fun ~src ~dst:_ ~src_port data ->
        Stack.UDP.write ~src_port:7 ~dst:src ~dst_port:src_port udp data >|= ignore);
    print_endline "ready";
    (match call () with None -> Lwt.return_unit | Some address -> caller stack address) >>= fun () ->
    Stack.listen stack
end
