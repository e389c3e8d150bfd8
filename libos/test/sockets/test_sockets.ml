(* Two ends of connections, both of one stack over this machine's sockets, on the loopback interface. *)

open Lwt.Infix
module Stack = Tcpip_stack_socket.V4V6
module TCP = Stack.TCP
module UDP = Stack.UDP

let port = 7
let nobodys = 9

let free_port kind =
  let socket = Unix.socket PF_INET kind 0 in
  Unix.bind socket (ADDR_INET (Unix.inet_addr_loopback, 0));
  let port = match Unix.getsockname socket with ADDR_INET (_, port) -> port | ADDR_UNIX _ -> assert false in
  Unix.close socket;
  port

let host_port = free_port SOCK_STREAM
let host_port_2 = free_port SOCK_STREAM
let host_udp_port = free_port SOCK_DGRAM
let () = Unix.putenv "UNIKERNEL_PORTS" (Printf.sprintf "%d:%d,%d:%d,%d:%d/udp" host_port port host_port_2 port host_udp_port port)
let here = Ipaddr.V4 Ipaddr.V4.localhost

let stack ?(ipv4_only = false) ?(ipv6_only = false) () =
  Stack.connect ~ipv4_only ~ipv6_only ~ipv4:Ipaddr.V4.Prefix.global ~ipv6:None ()

let within seconds promise =
  Lwt.pick [ promise; (Mirage_sleep.ns (Int64.of_float (seconds *. 1e9)) >>= fun () -> Lwt.fail_with "it takes too long") ]

(* A test's stack is gone when it has ended. *)
let case name test =
  let tested () = stack () >>= fun stack -> Lwt.finalize (fun () -> test stack) (fun () -> Stack.disconnect stack) in
  let run () =
    let outcome = ref (Ok ()) in
    Unikernel_os.Main.run
      (Lwt.catch (fun () -> within 20. (tested ())) (fun exn -> outcome := Error exn; Lwt.return_unit));
    Result.iter_error raise !outcome
  in
  Alcotest.test_case name `Quick run

let ok pp = function Ok value -> value | Error error -> Alcotest.failf "%a" pp error
let connect ?(port = host_port) stack = TCP.create_connection (Stack.tcp stack) (here, port) >|= ok TCP.pp_error

(* Both ends of a new connection: the client's, and the server's. *)
let pair stack =
  let accepted, accept = Lwt.wait () in
  TCP.listen (Stack.tcp stack) ~port (fun flow ->
      Lwt.wakeup_later accept flow;
      Lwt.return_unit);
  connect stack >>= fun client -> accepted >|= fun server -> (client, server)

let write flow text = TCP.write flow (Cstruct.of_string text) >|= ok TCP.pp_write_error

let rec all flow =
  TCP.read flow >|= ok TCP.pp_error >>= function
  | `Eof -> Lwt.return ""
  | `Data data -> all flow >|= fun rest -> Cstruct.to_string data ^ rest

let text = Alcotest.(check string)
let is = Alcotest.(check bool)

let both_ways stack =
  pair stack >>= fun (client, server) ->
  let much = String.init 3_000_000 (fun i -> Char.chr (i * i land 0xff)) in
  let talk flow said = write flow said >>= fun () -> TCP.shutdown flow `write in
  Lwt.both (Lwt.join [ talk client much; talk server "short" ]) (Lwt.both (all server) (all client))
  >>= fun ((), (heard, answered)) ->
  is "what is sent comes" true (heard = much);
  text "and the answer" "short" answered;
  Lwt.join [ TCP.close client; TCP.close server ]

let addresses stack =
  pair stack >|= fun (client, server) ->
  let place = Alcotest.testable (fun ppf (address, port) -> Fmt.pf ppf "%a:%d" Ipaddr.pp address port) ( = ) in
  Alcotest.check place "the port of this machine" (here, host_port) (TCP.dst client);
  Alcotest.check place "the unikernel's own port" (here, port) (TCP.src server);
  Alcotest.check place "each knows the other" (TCP.src client) (TCP.dst server)

let writes_in_order stack =
  pair stack >>= fun (client, server) ->
  let parts = List.init 200 (fun i -> String.make 9_000 (Char.chr (i land 0xff))) in
  let sent = Lwt.join (List.map (write client) parts) >>= fun () -> TCP.shutdown client `write in
  Lwt.both sent (all server) >|= fun ((), heard) -> is "one after another" true (heard = String.concat "" parts)

let many_parts stack =
  pair stack >>= fun (client, server) ->
  let buffers = List.init 300 (fun i -> Cstruct.of_string (string_of_int i)) in
  TCP.writev_nodelay client (Cstruct.empty :: buffers) >|= ok TCP.pp_write_error >>= fun () ->
  TCP.close client >>= fun () ->
  all server >|= text "more parts than one call takes" (String.concat "" (List.init 300 string_of_int))

let refused stack =
  let rec nobody () = let found = free_port SOCK_STREAM in if found = host_port || found = host_port_2 then nobody () else found in
  TCP.create_connection (Stack.tcp stack) (here, nobody ()) >|= function
  | Error `Refused -> ()
  | Error error -> Alcotest.failf "%a" TCP.pp_error error
  | Ok _ -> Alcotest.fail "somebody is there"

let reset stack =
  pair stack >>= fun (client, server) ->
  write client "x" >>= fun () ->
  TCP.read server >>= fun _ ->
  (* A callback that raises resets its connection. *)
  TCP.listen (Stack.tcp stack) ~port (fun flow -> TCP.read flow >>= fun _ -> failwith "a bug");
  connect stack >>= fun other ->
  write other "x" >>= fun () ->
  TCP.read other >>= fun answer ->
  is "a reset is an error" true (answer = Error `Reset);
  TCP.write other (Cstruct.of_string "y") >|= fun answer -> is "and then it is closed" true (answer = Error `Closed)

let closed stack =
  pair stack >>= fun (client, server) ->
  TCP.close client >>= fun () ->
  TCP.close client >>= fun () ->
  TCP.write client (Cstruct.of_string "x") >>= fun written ->
  is "nothing is written after close" true (written = Error `Closed);
  TCP.read client >>= fun read ->
  is "nor read" true (read = Ok `Eof);
  all server >|= text "the peer sees an end" ""

let half_closed stack =
  pair stack >>= fun (client, server) ->
  TCP.shutdown client `write >>= fun () ->
  all server >>= fun heard ->
  text "the end comes" "" heard;
  write server "still talking" >>= fun () ->
  TCP.close server >>= fun () -> all client >|= text "the other way stays" "still talking"

let unread stack =
  pair stack >>= fun (client, server) ->
  write client (String.make 100_000 'x') >>= fun () ->
  write server "an answer to something that was not read" >>= fun () ->
  TCP.close server >>= fun () ->
  write client "and more" >>= fun () ->
  all client >|= text "is not lost by closing" "an answer to something that was not read"

let a_reader_who_gives_up stack =
  pair stack >>= fun (client, server) ->
  let impatient = TCP.read server in
  Lwt.cancel impatient;
  write client "late" >>= fun () ->
  TCP.close client >>= fun () -> all server >|= text "takes nothing with it" "late"

let unlistened stack =
  pair stack >>= fun (client, server) ->
  TCP.unlisten (Stack.tcp stack) ~port;
  write client "hello" >>= fun () ->
  TCP.close client >>= fun () ->
  all server >>= fun heard ->
  text "a connection that stands stays" "hello" heard;
  TCP.create_connection (Stack.tcp stack) (here, host_port) >|= fun answer ->
  is "no other comes" true (match answer with Error `Refused -> true | Ok _ | Error _ -> false)

let two_ports stack =
  let count = ref 0 in
  TCP.listen (Stack.tcp stack) ~port (fun flow ->
      incr count;
      TCP.close flow);
  Lwt_list.iter_s (fun port -> connect ~port stack >>= all >|= text "an end" "") [ host_port; host_port_2 ] >|= fun () ->
  Alcotest.(check int) "both lead here" 2 !count

let listening_again stack =
  let say word flow = write flow word >>= fun () -> TCP.close flow in
  TCP.listen (Stack.tcp stack) ~port (say "first");
  TCP.listen (Stack.tcp stack) ~port (say "second");
  connect stack >>= all >|= text "the last listener has the port" "second"

let versions _ =
  stack ~ipv4_only:true () >>= fun only_v4 ->
  TCP.create_connection (Stack.tcp only_v4) (V6 Ipaddr.V6.localhost, nobodys) >>= fun answer ->
  is "version 6 is left out" true (match answer with Error (`Host _) -> true | Ok _ | Error _ -> false);
  Lwt.catch (fun () -> stack ~ipv4_only:true ~ipv6_only:true () >|= fun _ -> "") (function Failure why -> Lwt.return why | exn -> Lwt.fail exn)
  >|= fun why -> is "nothing is left" true (String.length why > 0)

let ports stack =
  let refuses what f = is what true (match f () with () -> false | exception Invalid_argument _ -> true) in
  refuses "TCP has no such port" (fun () -> TCP.listen (Stack.tcp stack) ~port:65_536 TCP.close);
  refuses "nor UDP" (fun () -> UDP.listen (Stack.udp stack) ~port:(-1) (fun ~src:_ ~dst:_ ~src_port:_ _ -> Lwt.return_unit));
  Lwt.return_unit

let stopped stack =
  let listening = Stack.listen stack in
  is "it goes on" true (Lwt.is_sleeping listening);
  Stack.disconnect stack >>= fun () -> listening

(* {2 UDP} *)

let echo stack ~port =
  UDP.listen (Stack.udp stack) ~port (fun ~src ~dst:_ ~src_port data ->
      UDP.write ~src_port:port ~dst:src ~dst_port:src_port (Stack.udp stack) data >|= ok UDP.pp_error)

let hear stack ~port =
  let heard, hear = Lwt.wait () in
  UDP.listen (Stack.udp stack) ~port (fun ~src:_ ~dst:_ ~src_port data ->
      if Lwt.is_sleeping heard then Lwt.wakeup_later hear (src_port, Cstruct.to_string data);
      Lwt.return_unit);
  heard

let question_and_answer stack =
  echo stack ~port;
  let heard = hear stack ~port:4000 in
  UDP.write ~src_port:4000 ~dst:here ~dst_port:host_udp_port (Stack.udp stack) (Cstruct.of_string "anybody?")
  >|= ok UDP.pp_error
  >>= fun () -> heard >|= Alcotest.(check (pair int string)) "from where it was asked" (host_udp_port, "anybody?")

(* Who was not asked is not heard. *)
let strangers stack =
  let heard = hear stack ~port:4000 in
  let udp = Stack.udp stack in
  let asked = Unix.socket PF_INET SOCK_DGRAM 0 and stranger = Unix.socket PF_INET SOCK_DGRAM 0 in
  Unix.bind asked (ADDR_INET (Unix.inet_addr_loopback, 0));
  let place = match Unix.getsockname asked with ADDR_INET (_, port) -> port | ADDR_UNIX _ -> assert false in
  UDP.write ~src_port:4000 ~dst:here ~dst_port:place udp (Cstruct.of_string "?") >|= ok UDP.pp_error >>= fun () ->
  let room = Bytes.create 10 in
  let _, from = Unix.recvfrom asked room 0 10 [] in
  let say socket word = ignore (Unix.sendto socket (Bytes.of_string word) 0 (String.length word) [] from) in
  say stranger "forged";
  say asked "true";
  heard >|= fun (_, word) ->
  List.iter Unix.close [ asked; stranger ];
  text "only who was asked" "true" word

let too_large stack =
  UDP.write ~dst:here ~dst_port:host_udp_port (Stack.udp stack) (Cstruct.create 70_000) >|= fun answer ->
  is "is an error" true (Result.is_error answer)

let () =
  Alcotest.run "sockets"
    [
      ( "TCP",
        [
          case "both ways, much." both_ways;
          case "addresses and ports." addresses;
          case "writes go in order." writes_in_order;
          case "many parts." many_parts;
          case "nobody listens." refused;
          case "a reset." reset;
          case "closed." closed;
          case "half closed." half_closed;
          case "what was not read." unread;
          case "a reader who gives up." a_reader_who_gives_up;
          case "no longer listened to." unlistened;
          case "two ports for one." two_ports;
          case "listening again." listening_again;
          case "versions of IP." versions;
          case "numbers that are no ports." ports;
          case "disconnecting." stopped;
        ] );
      ( "UDP",
        [
          case "question and answer." question_and_answer;
          case "strangers." strangers;
          case "a datagram that is too large." too_large;
        ] );
    ]
