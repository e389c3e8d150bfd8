(* IPv4: where packets go, what becomes of fragments, what is dropped. *)

open Lwt.Infix
open Hosts

let error = Alcotest.testable V4.pp_error ( = )
let result = Alcotest.(result unit error)
let text n = String.init n (fun i -> Char.chr ((i + (i / 256)) land 255))

(* What IP hands on. *)
type got = { proto : int; src : string; dst : string; payload : string }

let collect t packets =
  let got = ref [] in
  let keep proto ~src ~dst payload =
    got :=
      { proto; src = Ipaddr.V4.to_string src; dst = Ipaddr.V4.to_string dst; payload = Cstruct.to_string payload } :: !got;
    Lwt.return_unit
  in
  Lwt_list.iter_s
    (V4.input t.ipv4 ~tcp:(keep 6) ~udp:(keep 17) ~default:(fun ~proto ~src ~dst payload -> keep proto ~src ~dst payload))
    packets
  >|= fun () -> List.rev !got

let payloads got = List.map (fun { payload; _ } -> payload) got
let strings = Alcotest.list Hosts.short

(* A packet, put together by hand. *)
let packet ?(options = "") ?(id = 1) ?(bits = 0) ?(proto = 17) ?(src = "10.0.0.1") ?(dst = "10.0.0.2") ?length payload =
  let header = 20 + String.length options in
  let buffer = Cstruct.create header in
  let length = match length with Some length -> length | None -> header + String.length payload in
  Cstruct.set_uint8 buffer 0 (0x40 lor (header / 4));
  Cstruct.BE.set_uint16 buffer 2 length;
  Cstruct.BE.set_uint16 buffer 4 id;
  Cstruct.BE.set_uint16 buffer 6 bits;
  Cstruct.set_uint8 buffer 8 64;
  Cstruct.set_uint8 buffer 9 proto;
  Cstruct.blit_from_string (Ipaddr.V4.to_octets (ip4 src)) 0 buffer 12 4;
  Cstruct.blit_from_string (Ipaddr.V4.to_octets (ip4 dst)) 0 buffer 16 4;
  Cstruct.blit_from_string options 0 buffer 20 (String.length options);
  Cstruct.BE.set_uint16 buffer 10 (Tcpip_checksum.ones_complement buffer);
  Cstruct.append buffer (Cstruct.of_string payload)

let receiver () = host (Segment.create ()) "10.0.0.2/24"

let receives () =
  run @@ fun () ->
  receiver () >>= fun t ->
  collect t [ packet "plain"; packet ~options:"\x94\x04\x00\x00\x01\x01\x00\x00" "options"; packet ~proto:89 "other" ]
  >>= fun got ->
  Alcotest.check strings "payloads" [ "plain"; "options"; "other" ] (payloads got);
  Alcotest.(check (list int)) "protocols" [ 17; 17; 89 ] (List.map (fun { proto; _ } -> proto) got);
  collect t [ Cstruct.append (packet "padded") (Cstruct.create 20) ] >>= fun got ->
  Alcotest.check strings "Ethernet's padding is not handed on" [ "padded" ] (payloads got);
  let to_all dst = packet ~dst dst in
  collect t [ to_all "255.255.255.255"; to_all "10.0.0.255"; to_all "224.0.0.251" ] >>= fun got ->
  Alcotest.check strings "for all" [ "255.255.255.255"; "10.0.0.255"; "224.0.0.251" ] (payloads got);
  let tcp_to dst = packet ~proto:6 ~dst dst in
  collect t [ tcp_to "255.255.255.255"; tcp_to "10.0.0.255"; tcp_to "224.0.0.251"; tcp_to "10.0.0.2" ] >|= fun got ->
  Alcotest.check strings "TCP is for one" [ "10.0.0.2" ] (payloads got)

let drops () =
  run @@ fun () ->
  receiver () >>= fun t ->
  let spoilt at byte =
    let buffer = packet "x" in
    Cstruct.set_uint8 buffer at byte;
    buffer
  in
  let shorter n = Cstruct.sub (packet "x") 0 n in
  collect t
    [
      spoilt 8 63 (* the checksum no longer fits *);
      spoilt 0 0x55;
      spoilt 0 0x44;
      spoilt 0 0x4f;
      shorter 0;
      shorter 1;
      shorter 19;
      shorter 20;
      packet ~length:19 "x";
      packet ~length:22 "x";
      packet ~dst:"10.0.0.3" "for another";
      packet ~src:"10.0.0.2" "from ourselves";
      packet ~src:"127.0.0.1" "from its inside";
      packet ~src:"224.0.0.1" "from several";
      packet ~src:"10.0.0.255" "from all";
    ]
  >|= fun got -> Alcotest.check strings "all dropped" [] (payloads got)

let more = 0x2000

let fragments_in () =
  run @@ fun () ->
  receiver () >>= fun t ->
  let whole = text 3000 in
  let part ?id ?src offset length =
    let bits = (offset / 8) lor if offset + length < 3000 then more else 0 in
    packet ?id ?src ~bits (String.sub whole offset length)
  in
  collect t [ part 1480 1480; part 2960 40; part 0 1480 ] >>= fun got ->
  Alcotest.check strings "out of order" [ whole ] (payloads got);
  collect t [ part ~id:2 0 1480; part ~id:3 1480 1480; part ~id:2 2960 40 ] >>= fun got ->
  Alcotest.check strings "of different packets" [] (payloads got);
  collect t [ part ~id:4 0 1480; part ~id:4 1480 1520 ~src:"10.0.0.7" ] >>= fun got ->
  Alcotest.check strings "of different senders" [] (payloads got);
  collect t [ packet ~bits:(0x1fff lor more) (text 1400); packet ~bits:0x1fff (text 1400) ] >>= fun got ->
  Alcotest.check strings "beyond the longest packet" [] (payloads got);
  (* A flood of beginnings leaves room for who means well. *)
  let beginnings = List.init 3000 (fun i -> packet ~id:(i + 100) ~bits:more (text 1480)) in
  collect t beginnings >>= fun _ ->
  collect t [ part ~id:9 0 1480; part ~id:9 1480 1520 ] >|= fun got ->
  Alcotest.check strings "after a flood" [ whole ] (payloads got)

let ip_of frame = Cstruct.shift frame 14
let is_ip frame = Cstruct.BE.get_uint16 frame 12 = 0x0800
let octets cs ~off ~len = Cstruct.to_string cs ~off ~len

(* Two hosts that know each other. *)
let two ?mtu () =
  let wire = Segment.create ?mtu () in
  host wire "10.0.0.1/24" ~gateway:"10.0.0.254" >>= fun a ->
  host wire "10.0.0.2/24" >>= fun b ->
  ms 1 >>= fun () ->
  A.query a.arp (ip4 "10.0.0.2") >>= fun _ ->
  ignore (Segment.sent wire);
  Lwt.return (wire, a, b)

let write ?fragment ?ttl ?(size = 0) ?(fill = fun _ -> size) t dst payload =
  V4.write t.ipv4 ?fragment ?ttl (ip4 dst) `UDP ~size fill [ Cstruct.of_string payload ]

let sends () =
  run @@ fun () ->
  two () >>= fun (wire, a, b) ->
  let fill buffer =
    Cstruct.blit_from_string "head" 0 buffer 0 4;
    4
  in
  write a "10.0.0.2" ~ttl:7 ~size:10 ~fill "payload" >>= fun sent ->
  Alcotest.check result "sent" (Ok ()) sent;
  match Segment.sent wire with
  | [ frame ] ->
      Alcotest.(check string) "to its MAC" (Macaddr.to_octets (mac 2)) (octets frame ~off:0 ~len:6);
      Alcotest.(check int) "hops" 7 (Cstruct.get_uint8 (ip_of frame) 8);
      collect b [ ip_of frame ] >|= fun got ->
      Alcotest.check strings "what was filled and what follows" [ "headpayload" ] (payloads got)
  | frames -> Alcotest.failf "%d frames" (List.length frames)

let fragments_out () =
  run @@ fun () ->
  two () >>= fun (wire, a, b) ->
  let whole = text 5000 in
  write a "10.0.0.2" ~size:8 ~fill:(fun _ -> 8) whole >>= fun sent ->
  Alcotest.check result "sent" (Ok ()) sent;
  let frames = Segment.sent wire in
  Alcotest.(check (list int)) "as big as may be" [ 1514; 1514; 1514; 602 ] (List.map Cstruct.length frames);
  collect b (List.map ip_of (List.rev frames)) >>= fun got ->
  Alcotest.check strings "whole again" [ String.make 8 '\000' ^ whole ] (payloads got);
  write a "10.0.0.2" ~fragment:false (text 1481) >>= fun sent ->
  Alcotest.check result "not to be fragmented" (Error `Would_fragment) sent;
  write a "10.0.0.2" (text 65_516) >>= fun sent ->
  Alcotest.check result "longer than a packet can be" (Error `Would_fragment) sent;
  write a "10.0.0.2" (text 65_515) >>= fun sent ->
  Alcotest.check result "as long as a packet can be" (Ok ()) sent;
  ignore (Segment.sent wire);
  write a "10.0.0.2" ~fragment:false (text 1480) >|= fun sent ->
  Alcotest.check result "it fits" (Ok ()) sent;
  match Segment.sent wire with
  | [ frame ] -> Alcotest.(check int) "and says so" 0x4000 (Cstruct.BE.get_uint16 (ip_of frame) 6)
  | frames -> Alcotest.failf "%d frames" (List.length frames)

let routes () =
  run @@ fun () ->
  let wire = Segment.create () in
  host wire "10.0.0.1/24" ~gateway:"10.0.0.254" >>= fun a ->
  host wire "10.0.0.254/24" >>= fun router ->
  ms 1 >>= fun () ->
  let to_ dst =
    ignore (Segment.sent wire);
    write a dst "x" >|= fun sent ->
    Alcotest.check result dst (Ok ()) sent;
    let frames = List.filter is_ip (Segment.sent wire) in
    octets (List.hd frames) ~off:0 ~len:6
  in
  let check dst mac = to_ dst >|= fun found -> Alcotest.(check string) dst mac found in
  check "192.0.2.7" (Macaddr.to_octets (mac 2)) >>= fun () ->
  check "10.0.0.254" (Macaddr.to_octets (mac 2)) >>= fun () ->
  check "255.255.255.255" "\xff\xff\xff\xff\xff\xff" >>= fun () ->
  check "10.0.0.255" "\xff\xff\xff\xff\xff\xff" >>= fun () ->
  check "224.1.2.3" "\x01\x00\x5e\x01\x02\x03" >>= fun () ->
  write router "192.0.2.7" "x" >>= fun sent ->
  let reason = "192.0.2.7 is outside of the network 10.0.0.254/24, and there is no gateway" in
  Alcotest.check result "no gateway" (Error (`No_route reason)) sent;
  write a "10.0.0.9" "x" >|= fun sent ->
  Alcotest.check result "nobody there" (Error (`No_route "10.0.0.9: nobody answers for the address")) sent

let wrong_gateway () =
  run @@ fun () ->
  host (Segment.create ()) "10.0.0.1/24" ~gateway:"10.0.1.1" >|= fun _ ->
  Alcotest.check strings "is said" [ "The gateway 10.0.1.1 is outside of the network 10.0.0.1/24." ] (warnings ())

let small_mtu () =
  run @@ fun () ->
  two ~mtu:576 () >>= fun (wire, a, b) ->
  Alcotest.(check int) "what fits" 556 (V4.mtu a.ipv4 ~dst:(ip4 "10.0.0.2"));
  write a "10.0.0.2" (text 1000) >>= fun _ ->
  let frames = Segment.sent wire in
  Alcotest.(check bool) "none is longer" true (List.for_all (fun frame -> Cstruct.length frame <= 590) frames);
  collect b (List.map ip_of frames) >|= fun got -> Alcotest.check strings "whole again" [ text 1000 ] (payloads got)

let new_address () =
  run @@ fun () ->
  two () >>= fun (wire, a, _) ->
  V4.configure a.ipv4 ~cidr:(Ipaddr.V4.Prefix.of_string_exn "10.0.7.1/24") () >>= fun () ->
  ms 1 >>= fun () ->
  Alcotest.(check int) "is announced" 1 (List.length (Segment.sent wire));
  collect a [ packet ~src:"10.0.7.9" ~dst:"10.0.0.1" "old"; packet ~src:"10.0.7.9" ~dst:"10.0.7.1" "new" ] >|= fun got ->
  Alcotest.check strings "for the new one" [ "new" ] (payloads got)

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "IPv4"
    [
      ("receiving", [ case "what is for us" receives; case "what is not" drops; case "fragments" fragments_in ]);
      ( "sending",
        [
          case "a packet" sends;
          case "fragments" fragments_out;
          case "the way" routes;
          case "to a network of small frames" small_mtu;
        ] );
      ("addresses", [ case "a gateway elsewhere" wrong_gateway; case "another one" new_address ]);
    ]
