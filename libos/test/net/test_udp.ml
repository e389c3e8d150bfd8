(* UDP and ICMP between hosts. *)

open Lwt.Infix
open Hosts

let text n = String.init n (fun i -> Char.chr ((i + (i / 256)) land 255))
let any4 text = Ipaddr.V4 (ip4 text)
let any6 text = Ipaddr.V6 (ip6 text)
let result = Alcotest.(result unit (testable U.pp_error ( = )))
let strings = Alcotest.list Hosts.short

let two () =
  let wire = Segment.create () in
  host wire "10.0.0.1/24" ~ipv6:"fd00::1/64" >>= fun a ->
  host wire "10.0.0.2/24" ~ipv6:"fd00::2/64" >>= fun b ->
  (* until the addresses of version 6 are ready *)
  s 2 >|= fun () -> (wire, a, b)

let udp t = Stack.udp t.stack

let listen t port =
  let got = ref [] in
  U.listen (udp t) ~port (fun ~src ~dst:_ ~src_port payload ->
      got := Printf.sprintf "%s:%d %s" (Ipaddr.to_string src) src_port (Cstruct.to_string payload) :: !got;
      Lwt.return_unit);
  fun () ->
    let lines = List.rev !got in
    got := [];
    lines

let write ?(port = 7) t dst payload =
  U.write ~src_port:1234 ~dst ~dst_port:port (udp t) (Cstruct.of_string payload)

let datagrams () =
  run @@ fun () ->
  two () >>= fun (_, a, b) ->
  let got = listen b 7 in
  let sends = [ (any4 "10.0.0.2", "four"); (any6 "fd00::2", "six"); (any4 "10.0.0.255", "to all"); (any4 "10.0.0.2", "") ] in
  Lwt_list.iter_s (fun (dst, payload) -> write a dst payload >|= Alcotest.check result payload (Ok ())) sends >>= fun () ->
  ms 1 >>= fun () ->
  Alcotest.check strings "in order"
    [ "10.0.0.1:1234 four"; "fd00::1:1234 six"; "10.0.0.1:1234 to all"; "10.0.0.1:1234 " ]
    (got ());
  let long = text 20_000 in
  write a (any4 "10.0.0.2") long >>= fun _ ->
  write a (any6 "fd00::2") long >>= fun _ ->
  ms 1 >|= fun () -> Alcotest.check strings "long ones" [ "10.0.0.1:1234 " ^ long; "fd00::1:1234 " ^ long ] (got ())

let ports () =
  run @@ fun () ->
  two () >>= fun (_, a, b) ->
  let seven = listen b 7 and eight = listen b 8 in
  write a ~port:8 (any4 "10.0.0.2") "x" >>= fun _ ->
  ms 1 >>= fun () ->
  Alcotest.check strings "not for 7" [] (seven ());
  Alcotest.check strings "for 8" [ "10.0.0.1:1234 x" ] (eight ());
  U.unlisten (udp b) ~port:8;
  write a ~port:8 (any4 "10.0.0.2") "x" >>= fun _ ->
  ms 1 >|= fun () ->
  Alcotest.check strings "no longer" [] (eight ());
  let raises port = Alcotest.check_raises "no port" (Invalid_argument (Printf.sprintf "%d is no port: they are 0 to 65535" port)) in
  raises 65536 (fun () -> U.listen (udp a) ~port:65536 (fun ~src:_ ~dst:_ ~src_port:_ _ -> Lwt.return_unit));
  raises (-1) (fun () -> U.listen (udp a) ~port:(-1) (fun ~src:_ ~dst:_ ~src_port:_ _ -> Lwt.return_unit))

let too_long () =
  run @@ fun () ->
  two () >>= fun (_, a, _) ->
  write a (any4 "10.0.0.2") (text 65_508) >|= fun found ->
  Alcotest.(check bool) "an error" true (Result.is_error found)

let ip_of frame = Cstruct.shift frame 14

(* Frames from one host to another that carry ICMP. *)
let icmp ~from frames =
  let is_it frame =
    Cstruct.to_string frame ~off:6 ~len:6 = Macaddr.to_octets (mac from)
    && Cstruct.BE.get_uint16 frame 12 = 0x0800
    && Cstruct.get_uint8 frame 23 = 1
  in
  List.filter is_it frames

let closed_port () =
  run @@ fun () ->
  two () >>= fun (wire, a, _) ->
  ignore (Segment.sent wire);
  write a (any4 "10.0.0.2") "nobody" >>= fun _ ->
  ms 1 >>= fun () ->
  let frames = Segment.sent wire in
  let datagram = ip_of (List.find (fun frame -> Cstruct.length frame = 14 + 28 + 6) frames) in
  ( match icmp ~from:2 frames with
  | [ answer ] ->
      let message = Cstruct.shift (ip_of answer) 20 in
      Alcotest.(check (pair int int)) "port unreachable" (3, 3) (Cstruct.get_uint8 message 0, Cstruct.get_uint8 message 1);
      Alcotest.(check int) "checksum" 0 (Tcpip_checksum.ones_complement message);
      let about = Cstruct.shift message 8 in
      Alcotest.(check int) "checksum of its header" 0 (Tcpip_checksum.ones_complement (Cstruct.sub about 0 20));
      let addresses packet = Cstruct.to_string packet ~off:12 ~len:(Cstruct.length packet - 12) in
      Alcotest.(check string) "says to whom and what" (addresses datagram) (addresses about)
  | answers -> Alcotest.failf "%d answers" (List.length answers) );
  (* Not where others may have listened, and not without end. *)
  write a (any4 "10.0.0.255") "nobody" >>= fun _ ->
  ms 1 >>= fun () ->
  Alcotest.(check int) "a broadcast is not answered" 0 (List.length (icmp ~from:2 (Segment.sent wire)));
  s 1 >>= fun () ->
  let rec flood n = if n = 0 then Lwt.return_unit else write a (any4 "10.0.0.2") "nobody" >>= fun _ -> flood (n - 1) in
  flood 500 >>= fun () ->
  ms 1 >|= fun () -> Alcotest.(check int) "so many in a second" 50 (List.length (icmp ~from:2 (Segment.sent wire)))

let closed_port_v6 () =
  run @@ fun () ->
  two () >>= fun (wire, a, _) ->
  ignore (Segment.sent wire);
  write a (any6 "fd00::2") "nobody" >>= fun _ ->
  ms 1 >|= fun () ->
  let is_unreachable frame =
    Cstruct.BE.get_uint16 frame 12 = 0x86dd && Cstruct.get_uint8 frame 20 = 58 && Cstruct.get_uint8 frame 54 = 1
  in
  match List.filter is_unreachable (Segment.sent wire) with
  | [ frame ] ->
      let packet = ip_of frame in
      let message = Cstruct.shift packet 40 in
      let pseudoheader = Cstruct.create 40 in
      Cstruct.blit packet 8 pseudoheader 0 32;
      Cstruct.BE.set_uint32 pseudoheader 32 (Int32.of_int (Cstruct.length message));
      Cstruct.set_uint8 pseudoheader 39 58;
      Alcotest.(check int) "checksum" 0 (Tcpip_checksum.ones_complement_list [ pseudoheader; message ]);
      Alcotest.(check int) "port unreachable" 4 (Cstruct.get_uint8 message 1);
      let about = Cstruct.shift message 8 in
      Alcotest.(check string) "from whom" (Ipaddr.V6.to_octets (ip6 "fd00::1")) (Cstruct.to_string about ~off:8 ~len:16);
      Alcotest.(check string) "what" "nobody" (Cstruct.to_string about ~off:48)
  | frames -> Alcotest.failf "%d answers" (List.length frames)

(* A datagram that is wrong is dropped: bit by bit. *)
let spoilt () =
  run @@ fun () ->
  two () >>= fun (wire, a, b) ->
  let got = listen b 7 in
  let spoil dst first behind =
    ignore (Segment.sent wire);
    write a dst "some words" >>= fun _ ->
    ms 1 >>= fun () ->
    Alcotest.(check int) "as it is" 1 (List.length (got ()));
    let frame = List.find (fun frame -> Cstruct.length frame > 50) (Segment.sent wire) in
    let rec flip bit =
      if bit = 8 * (Cstruct.length frame - behind) then Lwt.return_unit
      else begin
        let copy = Cstruct.append frame Cstruct.empty in
        let i = first + (bit / 8) in
        if i < Cstruct.length frame then begin
          Cstruct.set_uint8 copy i (Cstruct.get_uint8 copy i lxor (1 lsl (bit land 7)));
          Segment.inject wire copy
        end;
        Lwt.pause () >>= fun () -> flip (bit + 1)
      end
    in
    flip 0 >>= fun () ->
    ms 1 >|= fun () -> Alcotest.check strings "none was taken" [] (got ())
  in
  spoil (any4 "10.0.0.2") 14 0 >>= fun () -> spoil (any6 "fd00::2") 22 0

let no_checksum () =
  run @@ fun () ->
  two () >>= fun (_, _, b) ->
  let got = listen b 7 in
  let datagram = Cstruct.of_string "\x04\xd2\x00\x07\x00\x0a\x00\x00hi" in
  U.input (udp b) ~src:(any4 "10.0.0.1") ~dst:(any4 "10.0.0.2") datagram >>= fun () ->
  Alcotest.check strings "allowed in version 4" [ "10.0.0.1:1234 hi" ] (got ());
  U.input (udp b) ~src:(any6 "fd00::1") ~dst:(any6 "fd00::2") datagram >|= fun () ->
  Alcotest.check strings "not in version 6" [] (got ())

(* A ping, as it would come from elsewhere. *)
let ping ?(kind = 8) ?(dst = "10.0.0.2") wire payload =
  let message = Cstruct.append (Cstruct.of_string "\x08\x00\x00\x00\x12\x34\x00\x01") (Cstruct.of_string payload) in
  Cstruct.set_uint8 message 0 kind;
  Cstruct.BE.set_uint16 message 2 (Tcpip_checksum.ones_complement message);
  let header = Cstruct.create 20 in
  Cstruct.set_uint8 header 0 0x45;
  Cstruct.BE.set_uint16 header 2 (20 + Cstruct.length message);
  Cstruct.set_uint8 header 8 64;
  Cstruct.set_uint8 header 9 1;
  Cstruct.blit_from_string (Ipaddr.V4.to_octets (ip4 "10.0.0.1")) 0 header 12 4;
  Cstruct.blit_from_string (Ipaddr.V4.to_octets (ip4 dst)) 0 header 16 4;
  Cstruct.BE.set_uint16 header 10 (Tcpip_checksum.ones_complement header);
  let ethernet = Cstruct.of_string (Macaddr.to_octets (mac 2) ^ Macaddr.to_octets (mac 1) ^ "\x08\x00") in
  Segment.inject wire (Cstruct.concat [ ethernet; header; message ])

let pings () =
  run @@ fun () ->
  two () >>= fun (wire, a, _) ->
  A.query a.arp (ip4 "10.0.0.2") >>= fun _ ->
  ms 1 >>= fun () ->
  ignore (Segment.sent wire);
  ping wire "are you there?";
  ms 1 >>= fun () ->
  ( match icmp ~from:2 (Segment.sent wire) with
  | [ frame ] ->
      let message = Cstruct.shift (ip_of frame) 20 in
      Alcotest.(check int) "a reply" 0 (Cstruct.get_uint8 message 0);
      Alcotest.(check int) "checksum" 0 (Tcpip_checksum.ones_complement message);
      Alcotest.(check string) "the same" "\x12\x34\x00\x01are you there?" (Cstruct.to_string message ~off:4)
  | frames -> Alcotest.failf "%d answers" (List.length frames) );
  ping wire ~dst:"10.0.0.255" "all?";
  ping wire ~kind:0 "a reply";
  ping wire ~kind:13 "the time?";
  ms 1 >|= fun () -> Alcotest.(check int) "nothing to say" 0 (List.length (icmp ~from:2 (Segment.sent wire)))

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "UDP and ICMP"
    [
      ( "UDP",
        [
          case "datagrams" datagrams;
          case "ports" ports;
          case "too long" too_long;
          case "one bit wrong" spoilt;
          case "without a checksum" no_checksum;
        ] );
      ("nobody listens", [ case "IPv4" closed_port; case "IPv6" closed_port_v6 ]);
      ("ICMP", [ case "pings" pings ]);
    ]
