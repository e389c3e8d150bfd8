open Lwt.Infix

module Main (S : Tcpip.Stack.V4V6) = struct
  let rec echo flow =
    S.TCP.read flow >>= function
    | Ok (`Data data) -> (
        S.TCP.write flow data >>= function Ok () -> echo flow | Error _ -> S.TCP.close flow )
    | Ok `Eof | Error _ -> S.TCP.close flow

  let rec discard flow =
    S.TCP.read flow >>= function Ok (`Data _) -> discard flow | Ok `Eof | Error _ -> S.TCP.close flow

  let start stack =
    let udp = S.udp stack and tcp = S.tcp stack in
    S.UDP.listen udp ~port:7 (fun ~src ~dst ~src_port payload ->
        S.UDP.write udp ~src:dst ~src_port:7 ~dst:src ~dst_port:src_port payload >|= function
        | Ok () -> ()
        | Error error -> Logs.warn (fun m -> m "%a" S.UDP.pp_error error));
    S.TCP.listen tcp ~port:7 echo;
    S.TCP.listen tcp ~port:9 discard;
    print_endline "ready";
    S.listen stack
end
