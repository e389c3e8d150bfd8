open Lwt.Infix

let source = Logs.Src.create "stack" ~doc:"The network stack"

module Log = (val Logs.src_log source : Logs.LOG)

module V4V6 = struct
  module IP = Ip
  module TCP = Tcp
  module UDP = Udp

  type t = { ip : Ip.t; udp : Udp.t; tcp : Tcp.t; stopped : unit Lwt.t; stop : unit Lwt.u }

  let ip { ip; _ } = ip
  let udp { udp; _ } = udp
  let tcp { tcp; _ } = tcp

  let connect ~ipv4_only ~ipv6_only ~ipv4 ~ipv6 () =
    match Addresses.create ~ipv4_only ~ipv6_only ~ipv4 ~ipv6 with
    | exception Failure reason -> Lwt.fail_with reason
    | addresses ->
        let stopped, stop = Lwt.wait () in
        Log.info (fun log ->
            log "IP %a; this machine's sockets" Fmt.(list ~sep:(any ", ") Ipaddr.Prefix.pp) (Ip.configured_ips addresses));
        Lwt.return { ip = addresses; udp = Udp.create addresses; tcp = Tcp.create addresses; stopped; stop }

  let listen { stopped; _ } = stopped

  let disconnect t =
    Tcp.disconnect t.tcp >>= fun () ->
    Udp.disconnect t.udp >|= fun () -> if Lwt.is_sleeping t.stopped then Lwt.wakeup_later t.stop ()
end
