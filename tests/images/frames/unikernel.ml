(* TCP on port 7 comes back. *)
module Main (Stack : Tcpip.Stack.V4V6) = struct
  open Lwt.Infix

  let rec echo flow =
    Stack.TCP.read flow >>= function
    | Ok (`Data data) -> (
        Stack.TCP.write flow data >>= function Ok () -> echo flow | Error _ -> Stack.TCP.close flow)
    | Ok `Eof | Error _ -> Stack.TCP.close flow

  let start stack =
    Stack.TCP.listen (Stack.tcp stack) ~port:7 echo;
    print_endline "ready";
    Stack.listen stack
end
