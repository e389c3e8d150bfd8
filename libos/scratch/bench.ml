open Lwt.Infix
module Tcp = Wire.Tcp_over
let run p = Unikernel_os.Main.run p
let () =
  let n = int_of_string Sys.argv.(1) and size = int_of_string Sys.argv.(2) in
  let wire = Wire.create ~seed:1 () in
  let client = Wire.host wire "10.0.0.1" and server = Wire.host wire "10.0.0.2" in
  let rec echo flow = Tcp.read flow >>= function Ok (`Data d) -> Tcp.write flow d >>= fun _ -> echo flow | _ -> Tcp.close flow in
  Tcp.listen server ~port:80 echo;
  let buf = Cstruct.create size in
  run (Tcp.create_connection client (Ipaddr.of_string_exn "10.0.0.2", 80) >>= function Error _ -> assert false | Ok flow ->
    let rec go n = if n = 0 then Lwt.return_unit else
      Tcp.write flow buf >>= fun _ ->
      let rec rd left = if left <= 0 then Lwt.return_unit else Tcp.read flow >>= function Ok (`Data d) -> rd (left - Cstruct.length d) | _ -> assert false in
      rd size >>= fun () -> go (n-1) in
    go n >>= fun () -> Tcp.close flow)
