(* Whole stacks: TCP between hosts, over both versions of IP, on good wires and bad ones. *)

open Lwt.Infix
open Hosts

let any4 text = Ipaddr.V4 (ip4 text)
let any6 text = Ipaddr.V6 (ip6 text)

let two ?mtu ?seed () =
  let wire = Segment.create ?mtu ?seed () in
  host wire "10.0.0.1/24" ~ipv6:"fd00::1/64" >>= fun a ->
  host wire "10.0.0.2/24" ~ipv6:"fd00::2/64" >>= fun b ->
  s 2 >|= fun () -> (wire, a, b)

let tcp t = Stack.tcp t.stack

let fail_on pp = function Ok value -> value | Error error -> Alcotest.failf "%a" pp error

let rec read_all flow so_far =
  T.read flow >>= fun found ->
  match fail_on T.pp_error found with
  | `Eof -> Lwt.return (Cstruct.concat (List.rev so_far))
  | `Data data -> read_all flow (data :: so_far)

(* Sends everything back when it has come. *)
let serve t =
  T.listen (tcp t) ~port:80 (fun flow ->
      read_all flow [] >>= fun all ->
      T.write flow all >|= fail_on T.pp_write_error >>= fun () -> T.close flow)

let exchange t dst data =
  T.create_connection (tcp t) (dst, 80) >|= fail_on T.pp_error >>= fun flow ->
  T.write flow data >|= fail_on T.pp_write_error >>= fun () ->
  T.shutdown flow `write >>= fun () ->
  read_all flow [] >>= fun back ->
  T.close flow >|= fun () -> Alcotest.check short "what was sent comes back" (Cstruct.to_string data) (Cstruct.to_string back)

let data = Cstruct.of_string (String.init 300_000 (fun i -> Char.chr (((i * 7) + (i / 251)) land 255)))

let both_versions () =
  run @@ fun () ->
  two () >>= fun (_, a, b) ->
  serve b;
  exchange a (any4 "10.0.0.2") data >>= fun () ->
  exchange a (any6 "fd00::2") data >>= fun () ->
  exchange a (any6 "fe80::ff:fe00:2") data

let bad_wire () =
  let on seed =
    run @@ fun () ->
    two ~seed () >>= fun (wire, a, b) ->
    serve b;
    Segment.set_faults wire { loss = 0.05; duplicates = 0.02; spoilt = 0.02; delay = 5_000_000; jitter = 3_000_000 };
    exchange a (any4 "10.0.0.2") data >>= fun () -> exchange a (any6 "fd00::2") data
  in
  List.iter on [ 1; 2; 3 ];
  ignore (warnings ())

let small_frames () =
  run @@ fun () ->
  two ~mtu:1280 () >>= fun (_, a, b) ->
  serve b;
  exchange a (any4 "10.0.0.2") data >>= fun () -> exchange a (any6 "fd00::2") data

let nobody_listens () =
  run @@ fun () ->
  two () >>= fun (_, a, _) ->
  T.create_connection (tcp a) (any4 "10.0.0.2", 81) >|= function
  | Error `Refused -> ()
  | Error error -> Alcotest.failf "%a" T.pp_error error
  | Ok _ -> Alcotest.fail "connected to nobody"

let one_version () =
  run @@ fun () ->
  let wire = Segment.create () in
  let netif = Segment.attach wire in
  E.connect netif >>= fun e ->
  A.connect e >>= fun a ->
  V4.connect ~cidr:(Ipaddr.V4.Prefix.of_string_exn "10.0.0.1/24") e a >>= fun v4 ->
  V6.connect ~no_init:true netif e >>= fun v6 ->
  Ip.connect ~ipv4_only:true ~ipv6_only:false v4 v6 >>= fun ip ->
  let addresses = List.map Ipaddr.Prefix.to_string (Ip.configured_ips ip) in
  Alcotest.(check (list string)) "its addresses" [ "10.0.0.1/24" ] addresses;
  Ip.write ip (any6 "fd00::2") `UDP (fun _ -> 0) [] >>= fun sent ->
  Alcotest.(check bool) "the other is left out" true (sent = Error (`No_route "IPv6 is left out of this stack"));
  Ip.write ip ~src:(any6 "fd00::1") (any4 "10.0.0.2") `UDP (fun _ -> 0) [] >>= fun sent ->
  Alcotest.(check bool) "no mixture" true (Result.is_error sent);
  s 20 >>= fun () ->
  Alcotest.(check bool) "nothing of it is sent" true
    (List.for_all (fun frame -> Cstruct.BE.get_uint16 frame 12 <> 0x86dd) (Segment.sent wire));
  Lwt.catch
    (fun () -> Ip.connect ~ipv4_only:true ~ipv6_only:true v4 v6 >|= fun _ -> "")
    (function Failure reason -> Lwt.return reason | exn -> Lwt.fail exn)
  >|= Alcotest.(check string) "none" "The arguments --ipv4-only and --ipv6-only leave nothing: give at most one of them."

let disconnected () =
  run @@ fun () ->
  two () >>= fun (_, a, b) ->
  serve b;
  let listening = Stack.listen a.stack in
  Alcotest.(check bool) "listens" true (Lwt.is_sleeping listening);
  Stack.disconnect a.stack >>= fun () ->
  listening >>= fun () ->
  U.write ~dst:(any4 "10.0.0.2") ~dst_port:7 (Stack.udp a.stack) Cstruct.empty >|= fun sent ->
  Alcotest.(check bool) "and then no longer" true (Result.is_error sent)

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "stack"
    [
      ( "TCP",
        [
          case "over both versions of IP" both_versions;
          case "on a bad wire" bad_wire;
          case "on a wire of small frames" small_frames;
          case "nobody listens" nobody_listens;
        ] );
      ("stacks", [ case "of one version" one_version; case "that are disconnected" disconnected ]);
    ]
