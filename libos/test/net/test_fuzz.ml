(* Frames by chance, and real ones that are spoilt: nothing is raised, nothing piles up, and the host still answers. *)

open Lwt.Infix
open Hosts

let random = Random.State.make [| 20 |]
let int n = Random.State.int random n
let any4 text = Ipaddr.V4 (ip4 text)
let any6 text = Ipaddr.V6 (ip6 text)

(* Frames that hosts send each other when they do all they can. *)
let real_frames wire a b =
  let udp t = Stack.udp t.stack and tcp t = Stack.tcp t.stack in
  U.listen (udp b) ~port:7 (fun ~src ~dst:_ ~src_port payload ->
      U.write ~src_port:7 ~dst:src ~dst_port:src_port (udp b) payload >|= fun _ -> ());
  T.listen (tcp b) ~port:80 (fun flow -> T.read flow >>= fun _ -> T.write flow (Cstruct.create 3000) >>= fun _ -> T.close flow);
  let talk dst =
    U.write ~dst ~dst_port:7 (udp a) (Cstruct.create 10) >>= fun _ ->
    U.write ~dst ~dst_port:7 (udp a) (Cstruct.create 4000) >>= fun _ ->
    U.write ~dst ~dst_port:9 (udp a) (Cstruct.create 10) >>= fun _ ->
    T.create_connection (tcp a) (dst, 80) >>= function
    | Error _ -> Alcotest.fail "no connection"
    | Ok flow ->
        T.write flow (Cstruct.create 100) >>= fun _ ->
        T.read flow >>= fun _ -> T.close flow
  in
  Lwt_list.iter_s talk [ any4 "10.0.0.2"; any6 "fd00::2"; any6 "fe80::ff:fe00:2" ] >>= fun () ->
  s 1 >|= fun () ->
  let ping = "\x45\x00\x00\x20\x00\x01\x00\x00\x40\x01\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02\x08\x00\x00\x00\x00\x01\x00\x01ping" in
  let ping = Cstruct.of_string (Macaddr.to_octets (mac 2) ^ Macaddr.to_octets (mac 1) ^ "\x08\x00" ^ ping) in
  let advice =
    Macaddr.to_octets (mac 2) ^ Macaddr.to_octets (mac 1) ^ "\x86\xdd\x60\x00\x00\x00\x00\x38\x3a\xff"
    ^ Ipaddr.V6.to_octets (ip6 "fe80::9") ^ Ipaddr.V6.to_octets (ip6 "ff02::1")
    ^ "\x86\x00\x00\x00\x40\x00\x07\x08\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x02\x00\x00\x00\x00\x09"
    ^ "\x03\x04\x40\xc0\x00\x00\x10\x00\x00\x00\x10\x00\x00\x00\x00\x00\xfd\x09"
    ^ String.make 14 '\000'
  in
  ping :: Cstruct.of_string advice :: Segment.sent wire

(* Right lengths and checksums, so that what is wrong is looked at. *)

let fix_length frame =
  let there = Cstruct.length frame - 14 in
  if there >= 20 then
    match Cstruct.BE.get_uint16 frame 12 with
    | 0x0800 -> Cstruct.BE.set_uint16 frame 16 there
    | 0x86dd -> Cstruct.BE.set_uint16 frame 18 (max 0 (there - 40))
    | _ -> ()

let fix frame =
  let length = Cstruct.length frame in
  let set ~at pseudoheader part =
    if Cstruct.length part >= at + 2 then begin
      Cstruct.BE.set_uint16 part at 0;
      Cstruct.BE.set_uint16 part at (Tcpip_checksum.ones_complement_list [ pseudoheader; part ])
    end
  in
  let transport proto pseudoheader part =
    match proto with
    | 1 -> set ~at:2 Cstruct.empty part
    | 6 -> set ~at:16 pseudoheader part
    | 17 -> set ~at:6 pseudoheader part
    | 58 -> set ~at:2 pseudoheader part
    | _ -> ()
  in
  if length >= 34 && Cstruct.BE.get_uint16 frame 12 = 0x0800 then begin
    let packet = Cstruct.shift frame 14 in
    let there = Cstruct.length packet in
    let header = min there (4 * (Cstruct.get_uint8 packet 0 land 15)) in
    let total = max header (min there (Cstruct.BE.get_uint16 packet 2)) in
    if header >= 20 then set ~at:10 Cstruct.empty (Cstruct.sub packet 0 header);
    let pseudoheader = Cstruct.create 12 in
    Cstruct.blit packet 12 pseudoheader 0 8;
    Cstruct.set_uint8 pseudoheader 9 (Cstruct.get_uint8 packet 9);
    Cstruct.BE.set_uint16 pseudoheader 10 (total - header);
    transport (Cstruct.get_uint8 packet 9) pseudoheader (Cstruct.sub packet header (total - header))
  end
  else if length >= 54 && Cstruct.BE.get_uint16 frame 12 = 0x86dd then begin
    let packet = Cstruct.shift frame 14 in
    let payload = min (Cstruct.length packet - 40) (Cstruct.BE.get_uint16 packet 4) in
    let pseudoheader = Cstruct.create 40 in
    Cstruct.blit packet 8 pseudoheader 0 32;
    Cstruct.BE.set_uint16 pseudoheader 34 payload;
    Cstruct.set_uint8 pseudoheader 39 (Cstruct.get_uint8 packet 6);
    transport (Cstruct.get_uint8 packet 6) pseudoheader (Cstruct.sub packet 40 payload)
  end

let interesting = [| 0; 1; 3; 4; 5; 6; 7; 8; 15; 16; 17; 44; 58; 60; 127; 128; 129; 134; 135; 136; 254; 255 |]

let spoil frame =
  let copy = Cstruct.append frame Cstruct.empty in
  let length = Cstruct.length copy in
  let touch () =
    (* Headers rather than payload *)
    let i = int (if int 4 = 0 then length else min length 90) in
    let byte =
      match int 3 with
      | 0 -> Cstruct.get_uint8 copy i lxor (1 lsl int 8)
      | 1 -> int 256
      | _ -> interesting.(int (Array.length interesting))
    in
    (* Still for this host, most of the time *)
    if i >= 14 || int 20 = 0 then Cstruct.set_uint8 copy i byte
  in
  for _ = 0 to int 4 do
    touch ()
  done;
  let cut =
    match int 8 with
    | 0 -> Cstruct.sub copy 0 (int (length + 1))
    | 1 -> Cstruct.sub copy 0 (min length (34 + int 60))
    | 2 -> Cstruct.append copy (Cstruct.create (int 40))
    | _ -> copy
  in
  if int 2 = 0 then fix_length cut;
  if int 4 > 0 then fix cut;
  cut

let noise () = Cstruct.of_string (String.init (int 120) (fun _ -> Char.chr (int 256)))

let noise_for_us () =
  let kind = [| "\x08\x00"; "\x08\x06"; "\x86\xdd" |].(int 3) in
  Cstruct.append (Cstruct.of_string (Macaddr.to_octets (mac 2) ^ Macaddr.to_octets (mac 1) ^ kind)) (noise ())

let live_words () =
  Gc.full_major ();
  (Gc.stat ()).live_words

let frames = Chance.times 300_000

let storm () =
  let raised = ref [] in
  Lwt.async_exception_hook := (fun exn -> raised := Printexc.to_string exn :: !raised);
  run @@ fun () ->
  let wire = Segment.create () in
  host wire "10.0.0.1/24" ~ipv6:"fd00::1/64" >>= fun a ->
  host wire "10.0.0.2/24" ~ipv6:"fd00::2/64" >>= fun b ->
  s 2 >>= fun () ->
  ignore (Segment.sent wire);
  real_frames wire a b >>= fun frames_list ->
  let real = Array.of_list frames_list in
  let one () =
    let frame = match int 20 with 0 -> noise () | 1 -> noise_for_us () | _ -> spoil real.(int (Array.length real)) in
    Segment.inject wire frame
  in
  let rec go left =
    if left = 0 then Lwt.return_unit
    else begin
      one ();
      if left mod 1000 = 0 then ignore (Segment.sent wire);
      (if left mod 100 = 0 then ms 10 else Lwt.return_unit) >>= fun () -> go (left - 1)
    end
  in
  let settled () =
    s 4000 >|= fun () ->
    ignore (Segment.sent wire);
    ignore (warnings ());
    live_words ()
  in
  go (frames / 2) >>= settled >>= fun before ->
  go (frames / 2) >>= settled >>= fun after ->
  Alcotest.(check (list string)) "nothing was raised" [] !raised;
  Alcotest.(check bool) (Printf.sprintf "nothing piles up (%d, %d words)" before after) true (after < before + 20_000);
  let heard = ref 0 in
  U.listen (Stack.udp a.stack) ~port:5555 (fun ~src:_ ~dst:_ ~src_port:_ _ -> incr heard; Lwt.return_unit);
  let ask dst = U.write ~src_port:5555 ~dst ~dst_port:7 (Stack.udp a.stack) (Cstruct.create 10) in
  ask (any4 "10.0.0.2") >>= fun _ ->
  ask (any6 "fe80::ff:fe00:2") >>= fun _ ->
  s 1 >>= fun () ->
  T.create_connection (Stack.tcp a.stack) (any4 "10.0.0.2", 80) >|= fun flow ->
  Alcotest.(check bool) "TCP is served" true (Result.is_ok flow);
  Alcotest.(check int) "datagrams are answered" 2 !heard

(* Clients that get spoilt answers only, before they have an address and afterwards. *)
let dhcp_storm () =
  let module D = Dhcp_ipv4.Make (Segment) (E) (A) in
  let raised = ref [] in
  Lwt.async_exception_hook := (fun exn -> raised := Printexc.to_string exn :: !raised);
  let with_address = ref 0 in
  let storm_on_one left =
    let wire = Segment.create () in
    let netif = Segment.attach wire in
    E.connect netif >>= fun e ->
    A.connect e >>= fun arp ->
    Lwt.on_success (D.connect netif e arp) (fun _ -> incr with_address);
    let xid = ref "none" in
    let look frame = Option.iter (fun (seen : Dhcp_frames.seen) -> xid := seen.xid) (Dhcp_frames.seen frame) in
    let rec go left =
      List.iter look (Segment.sent wire);
      if left = 0 then Lwt.return_unit
      else begin
        let kind = [| 2; 5; 6 |].(int 3) in
        let frame = spoil (Dhcp_frames.frame ~kind ~client:(mac 1) ~xid:!xid (Dhcp_frames.usual ())) in
        (* As they are, offers would do. *)
        let start = 14 + 28 + 240 in
        if Cstruct.length frame > start + 10 then
          Cstruct.set_uint8 frame (start + int (Cstruct.length frame - start)) (int 256);
        if int 2 = 0 then fix frame;
        Segment.inject wire frame;
        (if left mod 50 = 0 then s 20 else ms 1) >>= fun () -> go (left - 1)
      end
    in
    go left
  in
  let rec again left = if left = 0 then Lwt.return_unit else storm_on_one 3_000 >>= fun () -> again (left - 1) in
  run @@ fun () ->
  again (Chance.times 10) >|= fun () ->
  Alcotest.(check (list string)) "nothing was raised" [] !raised;
  Alcotest.(check bool) "some answers were good enough" true (!with_address > 0)

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "fuzz" [ ("frames", [ case "for a host" storm; case "for a DHCP client" dhcp_storm ]) ]
