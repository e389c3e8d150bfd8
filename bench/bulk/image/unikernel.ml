open Lwt.Infix

module Main (Stack : Tcpip.Stack.V4V6) = struct
  module Tcp = Stack.TCP

  let piece = Cstruct.create 65_536
  let say flow words = Tcp.write flow (Cstruct.of_string words) >|= ignore

  let rec give flow left =
    if left <= 0 then Lwt.return_unit
    else
      Tcp.write flow (Cstruct.sub piece 0 (min left (Cstruct.length piece))) >>= function
      | Ok () -> give flow (left - Cstruct.length piece)
      | Error _ -> Lwt.return_unit

  let rec take flow left =
    if left <= 0 then say flow "taken\n"
    else
      Tcp.read flow >>= function
      | Ok (`Data data) -> take flow (left - Cstruct.length data)
      | Ok `Eof | Error _ -> Lwt.return_unit

  let serve flow =
    Tcp.read flow >>= (function
      | Ok (`Data command) -> (
          match String.split_on_char ' ' (Cstruct.to_string command) with
          | [ "give"; count ] -> give flow (int_of_string (String.trim count))
          | [ "take"; count ] -> say flow "go on\n" >>= fun () -> take flow (int_of_string (String.trim count))
          | _ -> say flow "HTTP/1.1 200 OK\r\n\r\n")
      | Ok `Eof | Error _ -> Lwt.return_unit)
    >>= fun () -> Tcp.close flow

  let start stack =
    Tcp.listen (Stack.tcp stack) ~port:80 serve;
    Stack.listen stack
end
