(* IPv6: addresses, neighbours, routers, fragments. *)

open Lwt.Infix
open Hosts

let error = Alcotest.testable V6.pp_error ( = )
let result = Alcotest.(result unit error)
let strings = Alcotest.list short
let text n = String.init n (fun i -> Char.chr ((i + (i / 256)) land 255))
let octets address = Ipaddr.V6.to_octets (ip6 address)
let addresses t = List.map Ipaddr.V6.Prefix.to_string (V6.configured_ips t.ipv6)
let u16 n = Printf.sprintf "%c%c" (Char.chr (n lsr 8)) (Char.chr (n land 255))

(* Packets, put together by hand. *)

let packet ?(hops = 64) ?(src = "fd00::9") ?(dst = "fd00::2") next payload =
  let fixed = "\x60\x00\x00\x00" ^ u16 (String.length payload) ^ Printf.sprintf "%c%c" (Char.chr next) (Char.chr hops) in
  Cstruct.of_string (fixed ^ octets src ^ octets dst ^ payload)

let icmp ?hops ?src ?dst kind body =
  let message = Cstruct.of_string (Printf.sprintf "%c\x00\x00\x00%s" (Char.chr kind) body) in
  let bare = packet ?src ?dst 58 "" in
  let pseudoheader = Cstruct.create 40 in
  Cstruct.blit bare 8 pseudoheader 0 32;
  Cstruct.BE.set_uint32 pseudoheader 32 (Int32.of_int (Cstruct.length message));
  Cstruct.set_uint8 pseudoheader 39 58;
  Cstruct.BE.set_uint16 message 2 (Tcpip_checksum.ones_complement_list [ pseudoheader; message ]);
  packet ?hops ?src ?dst 58 (Cstruct.to_string message)

let collect t packets =
  let got = ref [] in
  let keep ~src:_ ~dst:_ payload =
    got := Cstruct.to_string payload :: !got;
    Lwt.return_unit
  in
  Lwt_list.iter_s (V6.input t.ipv6 ~tcp:keep ~udp:keep ~default:(fun ~proto:_ -> keep)) packets >|= fun () ->
  List.rev !got

let input t packet = collect t [ packet ] >|= fun _ -> ()

let ready ?ipv6 ?mtu () =
  let wire = Segment.create ?mtu () in
  host wire "10.0.0.1/24" ?ipv6 >>= fun t ->
  s 2 >|= fun () ->
  ignore (Segment.sent wire);
  (wire, t)

let ip_of frame = Cstruct.shift frame 14
let is_ip6 frame = Cstruct.BE.get_uint16 frame 12 = 0x86dd
let icmp_kind frame = if is_ip6 frame && Cstruct.get_uint8 frame 20 = 58 then Cstruct.get_uint8 frame 54 else 0
let of_kind kind wire = List.filter (fun frame -> icmp_kind frame = kind) (Segment.sent wire)
let destination frame = Cstruct.to_string frame ~off:38 ~len:16
let source frame = Cstruct.to_string frame ~off:22 ~len:16

(* Own addresses *)

let own () =
  run @@ fun () ->
  let wire = Segment.create () in
  host wire "10.0.0.1/24" ~ipv6:"fd00::2/64" >>= fun t ->
  ms 100 >>= fun () ->
  Alcotest.check strings "at once" [ "fe80::ff:fe00:1/64"; "fd00::2/64" ] (addresses t);
  let claims = of_kind 135 wire in
  Alcotest.check strings "each is claimed" [ octets "ff02::1:ff00:1"; octets "ff02::1:ff00:2" ] (List.map destination claims);
  Alcotest.check strings "by nobody yet" [ octets "::"; octets "::" ] (List.map source claims);
  V6.write t.ipv6 (ip6 "fd00::3") `UDP (fun _ -> 0) [] >>= fun sent ->
  Alcotest.check result "not used yet" (Error (`No_route "this host has no address that would do")) sent;
  s 1 >|= fun () ->
  let source_to dst = Ipaddr.V6.to_string (V6.src t.ipv6 ~dst:(ip6 dst)) in
  Alcotest.(check string) "near" "fe80::ff:fe00:1" (source_to "fe80::7");
  Alcotest.(check string) "near, to several" "fe80::ff:fe00:1" (source_to "ff02::1");
  Alcotest.(check string) "its network" "fd00::2" (source_to "fd00::7");
  Alcotest.(check string) "far" "fd00::2" (source_to "2001:db8::1")

let duplicate () =
  run @@ fun () ->
  let wire = Segment.create () in
  host wire "10.0.0.1/24" ~ipv6:"fd00::2/64" >>= fun first ->
  s 2 >>= fun () ->
  host wire "10.0.0.2/24" ~ipv6:"fd00::2/64" >>= fun second ->
  s 2 >|= fun () ->
  Alcotest.check strings "the first keeps it" [ "fe80::ff:fe00:1/64"; "fd00::2/64" ] (addresses first);
  Alcotest.check strings "the second does not" [ "fe80::ff:fe00:2/64" ] (addresses second);
  Alcotest.check strings "and says so" [ "The address fd00::2/64 is not used: 02:00:00:00:00:01 has it." ] (warnings ())

let both_claim () =
  run @@ fun () ->
  let wire = Segment.create () in
  host wire "10.0.0.1/24" ~ipv6:"fd00::2/64" >>= fun first ->
  host wire "10.0.0.2/24" ~ipv6:"fd00::2/64" >>= fun second ->
  s 2 >|= fun () ->
  Alcotest.check strings "neither has it" [ "fe80::ff:fe00:1/64"; "fe80::ff:fe00:2/64" ] (addresses first @ addresses second);
  Alcotest.(check int) "both say so" 2 (List.length (warnings ()))

(* Neighbours *)

let neighbours () =
  run @@ fun () ->
  let wire = Segment.create () in
  host wire "10.0.0.1/24" ~ipv6:"fd00::1/64" >>= fun a ->
  host wire "10.0.0.2/24" ~ipv6:"fd00::2/64" >>= fun b ->
  s 2 >>= fun () ->
  let got = ref 0 in
  U.listen (Stack.udp b.stack) ~port:7 (fun ~src:_ ~dst:_ ~src_port:_ _ -> incr got; Lwt.return_unit);
  let send dst = U.write (Stack.udp a.stack) ~dst:(V6 (ip6 dst)) ~dst_port:7 Cstruct.empty in
  ignore (Segment.sent wire);
  send "fd00::2" >>= fun _ ->
  send "fe80::ff:fe00:2" >>= fun _ ->
  send "fd00::2" >>= fun _ ->
  ms 1 >>= fun () ->
  Alcotest.(check int) "arrived" 3 !got;
  Alcotest.(check int) "each asked for once" 2 (List.length (of_kind 135 wire));
  send "fd00::77" >|= fun sent ->
  let reason = Fmt.str "%a" U.pp_error (Result.get_error sent) in
  Alcotest.(check string) "nobody there" "no route: fd00::77: nobody answers for the address" reason

(* Only neighbours count the hops from 255. *)
let forged () =
  run @@ fun () ->
  ready ~ipv6:"fd00::2/64" () >>= fun (wire, t) ->
  let question hops = icmp ~hops ~src:"fe80::9" 135 (String.make 4 '\000' ^ octets "fd00::2" ^ "\x01\x01\x02\x00\x00\x00\x00\x09") in
  input t (question 254) >>= fun () ->
  Alcotest.(check int) "from afar" 0 (List.length (of_kind 136 wire));
  input t (question 255) >|= fun () ->
  match of_kind 136 wire with
  | [ answer ] -> Alcotest.check short "from a neighbour" (Macaddr.to_octets (mac 9)) (Cstruct.to_string answer ~len:6)
  | answers -> Alcotest.failf "%d answers" (List.length answers)

(* Routers *)

let s32 n = u16 (n lsr 16) ^ u16 (n land 0xffff)

let prefix_option ?(valid = 3600) ?(preferred = 1800) ?(flags = 0xc0) prefix =
  Printf.sprintf "\x03\x04\x40%c%s%s\000\000\000\000%s" (Char.chr flags) (s32 valid) (s32 preferred) (octets prefix)

let advertisement ?(hops = 255) ?(src = "fe80::ff:fe00:fe") ?(lifetime = 1800) ?(mtu = "") options =
  let mac_option = "\x01\x01\x02\x00\x00\x00\x00\xfe" in
  icmp ~hops ~src ~dst:"ff02::1" 134 ("\x20\x00" ^ u16 lifetime ^ String.make 8 '\000' ^ mac_option ^ mtu ^ options)

let asks_routers () =
  run @@ fun () ->
  let wire = Segment.create () in
  host wire "10.0.0.1/24" >>= fun t ->
  s 30 >>= fun () ->
  Alcotest.(check int) "asks three times" 3 (List.length (of_kind 133 wire));
  host wire "10.0.0.2/24" >>= fun other ->
  ms 1 >>= fun () ->
  input other (advertisement (prefix_option "fd01::")) >>= fun () ->
  s 30 >|= fun () ->
  Alcotest.(check int) "unless one answers" 1 (List.length (of_kind 133 wire));
  Alcotest.check strings "without" [ "fe80::ff:fe00:1/64" ] (addresses t)

let advised () =
  run @@ fun () ->
  ready () >>= fun (wire, t) ->
  let send dst =
    V6.write t.ipv6 (ip6 dst) `UDP (fun _ -> 0) [] >|= fun sent ->
    let frames = List.filter is_ip6 (Segment.sent wire) in
    Result.map (fun () -> Cstruct.to_string (List.hd frames) ~len:6) sent
  in
  input t (advertisement (prefix_option "fd01::")) >>= fun () ->
  s 2 >>= fun () ->
  Alcotest.check strings "an address" [ "fe80::ff:fe00:1/64"; "fd01::ff:fe00:1/64" ] (addresses t);
  ignore (Segment.sent wire);
  send "2001:db8::1" >>= fun mac ->
  Alcotest.(check (result string error)) "and a router" (Ok "\x02\x00\x00\x00\x00\xfe") mac;
  input t (advertisement ~lifetime:0 "") >>= fun () ->
  send "2001:db8::1" >>= fun mac ->
  let reason = "2001:db8::1 is outside of this link, and no router is known" in
  Alcotest.(check (result string error)) "which goes" (Error (`No_route reason)) mac;
  s 3600 >|= fun () -> Alcotest.check strings "as the address does" [ "fe80::ff:fe00:1/64" ] (addresses t)

let bad_advice () =
  run @@ fun () ->
  ready () >>= fun (_, t) ->
  let ignored name packet =
    input t packet >>= fun () ->
    s 2 >|= fun () -> Alcotest.check strings name [ "fe80::ff:fe00:1/64" ] (addresses t)
  in
  ignored "from afar" (advertisement ~hops:64 (prefix_option "fd01::")) >>= fun () ->
  ignored "not from a neighbour's address" (advertisement ~src:"fd00::9" (prefix_option "fd01::")) >>= fun () ->
  ignored "not to choose from" (advertisement (prefix_option ~flags:0x80 "fd01::")) >>= fun () ->
  ignored "local" (advertisement (prefix_option "fe80::")) >>= fun () ->
  ignored "over" (advertisement (prefix_option ~valid:0 ~preferred:0 "fd01::")) >>= fun () ->
  ignored "preferred for longer than valid" (advertisement (prefix_option ~valid:5 ~preferred:10 "fd01::")) >>= fun () ->
  ignored "malformed" (advertisement "\x03\x00") >>= fun () ->
  (* Any number of networks and routers: some are taken. *)
  let rec flood n =
    if n = 0 then Lwt.return_unit
    else
      let src = Printf.sprintf "fe80::%x" n and prefix = Printf.sprintf "fd01:0:0:%x::" n in
      input t (advertisement ~src (prefix_option prefix)) >>= fun () -> flood (n - 1)
  in
  flood 200 >|= fun () -> Alcotest.(check int) "bounded" 16 (List.length (addresses t))

(* A router may shorten an address's time to two hours, not to nothing. *)
let two_hours () =
  run @@ fun () ->
  ready () >>= fun (_, t) ->
  input t (advertisement (prefix_option ~valid:86_400 "fd01::")) >>= fun () ->
  s 10 >>= fun () ->
  input t (advertisement (prefix_option ~valid:1 ~preferred:0 "fd01::")) >>= fun () ->
  s 7100 >>= fun () ->
  Alcotest.(check int) "still there" 2 (List.length (addresses t));
  s 200 >|= fun () -> Alcotest.(check int) "then not" 1 (List.length (addresses t))

let link_mtu () =
  run @@ fun () ->
  ready () >>= fun (_, t) ->
  let mtu () = V6.mtu t.ipv6 ~dst:(ip6 "fd00::1") in
  Alcotest.(check int) "the interface's" 1460 (mtu ());
  input t (advertisement ~mtu:("\x05\x01\x00\x00" ^ s32 1400) "") >>= fun () ->
  Alcotest.(check int) "the router's" 1360 (mtu ());
  input t (advertisement ~mtu:("\x05\x01\x00\x00" ^ s32 1279) "") >>= fun () ->
  input t (advertisement ~mtu:("\x05\x01\x00\x00" ^ s32 0) "") >|= fun () ->
  Alcotest.(check int) "too small" 1360 (mtu ())

(* Packets *)

let options next = Printf.sprintf "%c\x00\x01\x04\x00\x00\x00\x00" (Char.chr next)

let headers () =
  run @@ fun () ->
  ready ~ipv6:"fd00::2/64" () >>= fun (_, t) ->
  let unknown action next = Printf.sprintf "%c\x00%c\x04\x00\x00\x00\x00" (Char.chr next) (Char.chr (action lor 0x1e)) in
  let routing left next = Printf.sprintf "%c\x00\x00%c\x00\x00\x00\x00" (Char.chr next) (Char.chr left) in
  let fragment next = Printf.sprintf "%c\x00\x00\x00\x00\x00\x00\x01" (Char.chr next) in
  collect t
    [
      packet 17 "plain";
      packet 0 (options 60 ^ options 17 ^ "options");
      packet 60 (unknown 0 17 ^ "an option that may be skipped");
      packet 43 (routing 0 17 ^ "no way to go");
      packet 44 (fragment 17 ^ "a fragment that is all");
      packet 44 (fragment 60 ^ options 17 ^ "the same with options");
      Cstruct.append (packet 17 "padded") (Cstruct.create 10);
    ]
  >>= fun got ->
  Alcotest.check strings "taken"
    [
      "plain"; "options"; "an option that may be skipped"; "no way to go"; "a fragment that is all";
      "the same with options"; "padded";
    ]
    got;
  let endless = String.concat "" (List.init 100 (fun _ -> options 60)) in
  collect t
    [
      packet 60 (unknown 0x40 17 ^ "x");
      packet 60 (unknown 0x80 17 ^ "x");
      packet 43 (routing 1 17 ^ "x");
      packet 60 "\x11\x05\x00\x00\x00\x00\x00\x00x";
      packet 60 "\x11\x00\x01\x09\x00\x00\x00\x00x";
      packet 60 "\x11";
      packet 44 "\x11\x00\x00";
      packet 60 (endless ^ options 17 ^ "x");
      packet ~dst:"fd00::3" 17 "for another";
      packet ~dst:"ff02::2" 17 "for routers";
      packet ~src:"ff02::1" 17 "from several";
      packet ~dst:"ff02::1" 6 "TCP to several";
      packet ~src:"::1" 17 "from inside";
      packet ~src:"fd00::2" 17 "from ourselves";
      packet ~src:"::" 17 "from nobody";
      Cstruct.sub (packet 17 "cut off") 0 43;
      Cstruct.sub (packet 17 "cut off") 0 39;
      Cstruct.empty;
    ]
  >|= fun got -> Alcotest.check strings "dropped" [] got

let fragments () =
  run @@ fun () ->
  let wire = Segment.create () in
  host wire "10.0.0.1/24" ~ipv6:"fd00::1/64" >>= fun a ->
  host wire "10.0.0.2/24" ~ipv6:"fd00::2/64" >>= fun b ->
  s 2 >>= fun () ->
  V6.write a.ipv6 (ip6 "fd00::2") `UDP (fun _ -> 0) [] >>= fun _ ->
  ignore (Segment.sent wire);
  let whole = text 5000 in
  V6.write a.ipv6 (ip6 "fd00::2") `UDP ~size:3 (fun _ -> 3) [ Cstruct.of_string whole ] >>= fun sent ->
  Alcotest.check result "sent" (Ok ()) sent;
  let packets = List.map ip_of (Segment.sent wire) in
  Alcotest.(check (list int)) "as big as may be" [ 1496; 1496; 1496; 707 ] (List.map Cstruct.length packets);
  collect b (List.rev packets) >>= fun got ->
  Alcotest.check strings "whole again" [ "\000\000\000" ^ whole ] got;
  V6.write a.ipv6 (ip6 "fd00::2") ~fragment:false `UDP (fun _ -> 0) [ Cstruct.create 1461 ] >|= fun sent ->
  Alcotest.check result "not to be fragmented" (Error `Would_fragment) sent

let pings () =
  run @@ fun () ->
  ready ~ipv6:"fd00::2/64" () >>= fun (wire, t) ->
  let question ?dst ?src () = icmp ?dst ?src 128 "\x12\x34\x00\x01are you there?" in
  let learn = icmp ~hops:255 ~src:"fd00::9" 135 (String.make 4 '\000' ^ octets "fd00::2" ^ "\x01\x01\x02\x00\x00\x00\x00\x09") in
  input t learn >>= fun () ->
  ignore (Segment.sent wire);
  let answered name ~from packet =
    input t packet >|= fun () ->
    match of_kind 129 wire with
    | [ frame ] ->
        Alcotest.check short name (octets from) (source frame);
        Alcotest.check short "the same" "\x12\x34\x00\x01are you there?" (Cstruct.to_string frame ~off:58)
    | frames -> Alcotest.failf "%s: %d answers" name (List.length frames)
  in
  answered "to us" ~from:"fd00::2" (question ()) >>= fun () ->
  answered "to all" ~from:"fd00::2" (question ~dst:"ff02::1" ()) >>= fun () ->
  let spoilt = question () in
  Cstruct.set_uint8 spoilt 50 0xff;
  input t spoilt >|= fun () -> Alcotest.(check int) "spoilt" 0 (List.length (of_kind 129 wire))

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "IPv6"
    [
      ( "addresses",
        [ case "one's own" own; case "that another has" duplicate; case "that two want" both_claim ] );
      ("neighbours", [ case "are found" neighbours; case "are near" forged ]);
      ( "routers",
        [
          case "are asked for" asks_routers;
          case "are listened to" advised;
          case "but not always" bad_advice;
          case "nor at once" two_hours;
          case "know the MTU" link_mtu;
        ] );
      ("packets", [ case "and their headers" headers; case "in fragments" fragments; case "pings" pings ]);
    ]
