(* What comes to port 7 of one stack goes out of the other. *)
module Main (Outside : Tcpip.Stack.V4V6) (Inside : Tcpip.Stack.V4V6) = struct
  let start outside inside =
    let show name pp addresses = Fmt.pr "%s: %a@." name Fmt.(list ~sep:(any ", ") pp) addresses in
    show "outside" Outside.IP.pp_prefix (Outside.IP.configured_ips (Outside.ip outside));
    show "inside" Inside.IP.pp_prefix (Inside.IP.configured_ips (Inside.ip inside));
    let forward ~src:_ ~dst:_ ~src_port:_ payload =
      let dst = Ipaddr.of_string_exn "192.168.7.9" in
      Lwt.map
        (function Ok () -> () | Error error -> Fmt.pr "%a@." Inside.UDP.pp_error error)
        (Inside.UDP.write ~dst ~dst_port:7 (Inside.udp inside) payload)
    in
    Outside.UDP.listen (Outside.udp outside) ~port:7 forward;
    Lwt.join [ Outside.listen outside; Inside.listen inside ]
end
