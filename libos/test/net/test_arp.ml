(* Who has which address. *)

open Lwt.Infix
open Hosts

let arp_of wire = E.connect (Segment.attach wire) >>= fun e -> A.connect e >|= fun a -> (e, a)

let listen netif e a =
  let drop _ = Lwt.return_unit in
  Lwt.async (fun () ->
      Segment.listen netif ~header_size:14 (E.input ~arpv4:(A.input a) ~ipv4:drop ~ipv6:drop e) >|= fun _ -> ())

let member wire ip =
  let netif = Segment.attach wire in
  E.connect netif >>= fun e ->
  A.connect e >>= fun a ->
  listen netif e a;
  (match ip with Some ip -> A.set_ips a [ ip4 ip ] | None -> Lwt.return_unit) >|= fun () -> a

let answer = Alcotest.testable (Fmt.Dump.result ~ok:Macaddr.pp ~error:A.pp_error) ( = )
let check name expected found = Alcotest.check answer name expected found
let elapsed since = Int64.to_int (Int64.sub (Mirage_mtime.elapsed_ns ()) since) / 1_000_000

(* An ARP message: 1 asks, 2 answers. *)
let message operation ~from:(mac, ip) ~about =
  let octets = Macaddr.to_octets mac and ip = Ipaddr.V4.to_octets ip in
  Cstruct.of_string
    ("\xff\xff\xff\xff\xff\xff" ^ octets ^ "\x08\x06" ^ "\x00\x01\x08\x00\x06\x04\x00"
    ^ String.make 1 (Char.chr operation)
    ^ octets ^ ip ^ String.make 6 '\000' ^ Ipaddr.V4.to_octets about)

let asks () =
  run @@ fun () ->
  let wire = Segment.create () in
  member wire (Some "10.0.0.1") >>= fun a ->
  member wire (Some "10.0.0.2") >>= fun b ->
  ms 1 >>= fun () ->
  A.query a (ip4 "10.0.0.2") >>= fun found ->
  check "the other" (Ok (mac 2)) found;
  A.query a (ip4 "10.0.0.1") >>= fun found ->
  check "oneself" (Ok (mac 1)) found;
  ignore (Segment.sent wire);
  A.query b (ip4 "10.0.0.1") >>= fun found ->
  check "who asked is known" (Ok (mac 1)) found;
  A.query a (ip4 "10.0.0.2") >|= fun found ->
  check "no need to ask again" (Ok (mac 2)) found;
  Alcotest.(check int) "nothing was sent" 0 (List.length (Segment.sent wire))

let nobody () =
  run @@ fun () ->
  let wire = Segment.create () in
  member wire (Some "10.0.0.1") >>= fun a ->
  ms 1 >>= fun () ->
  ignore (Segment.sent wire);
  let since = Mirage_mtime.elapsed_ns () in
  Lwt.both (A.query a (ip4 "10.0.0.9")) (A.query a (ip4 "10.0.0.9")) >|= fun (first, second) ->
  check "nobody" (Error `Timeout) first;
  check "for all who ask" (Error `Timeout) second;
  Alcotest.(check int) "after three seconds" 3000 (elapsed since);
  Alcotest.(check int) "and as many questions" 3 (List.length (Segment.sent wire))

let lossy () =
  run @@ fun () ->
  let wire = Segment.create () in
  member wire (Some "10.0.0.1") >>= fun a ->
  member wire (Some "10.0.0.2") >>= fun _ ->
  ms 1 >>= fun () ->
  Segment.set_faults wire { Segment.none with loss = 1. };
  let question = A.query a (ip4 "10.0.0.2") in
  ms 500 >>= fun () ->
  Segment.set_faults wire Segment.none;
  question >|= fun found -> check "asked again" (Ok (mac 2)) found

let announces () =
  run @@ fun () ->
  let wire = Segment.create () in
  member wire (Some "10.0.0.1") >>= fun a ->
  member wire (Some "10.0.0.2") >>= fun _ ->
  A.query a (ip4 "10.0.0.2") >>= fun _ ->
  ignore (Segment.sent wire);
  member wire (Some "10.0.0.2") >>= fun _ ->
  let announcement = message 1 ~from:(mac 3, ip4 "10.0.0.2") ~about:(ip4 "10.0.0.2") in
  Alcotest.(check bool) "says so" true (List.exists (Cstruct.equal announcement) (Segment.sent wire));
  ms 1 >>= fun () ->
  A.query a (ip4 "10.0.0.2") >|= fun found ->
  check "who knew the address knows the new host" (Ok (mac 3)) found;
  let complaint mac = Fmt.str "The address 10.0.0.2 is this host's, but %a uses it too." Macaddr.pp mac in
  Alcotest.(check (list string)) "both complain" [ complaint (mac 3); complaint (mac 2) ] (warnings ())

let strangers () =
  run @@ fun () ->
  let wire = Segment.create () in
  member wire (Some "10.0.0.1") >>= fun a ->
  (* Not asked for, so not believed. *)
  Segment.inject wire (message 2 ~from:(mac 77, ip4 "10.0.0.5") ~about:(ip4 "10.0.0.1"));
  ms 1 >>= fun () ->
  A.query a (ip4 "10.0.0.5") >>= fun found ->
  check "unasked" (Error `Timeout) found;
  (* Whoever asks for us is told, and known: but never more than there is room for. *)
  for i = 1 to 5000 do
    let ip = Ipaddr.V4.of_int32 (Int32.of_int (0x0a010000 + i)) in
    Segment.inject wire (message 1 ~from:(mac 77, ip) ~about:(ip4 "10.0.0.1"))
  done;
  ms 1 >|= fun () ->
  let known = List.length (String.split_on_char '\n' (Fmt.str "%a" A.pp a)) - 1 in
  Alcotest.(check int) "bounded" 512 known

let probe () =
  run @@ fun () ->
  let wire = Segment.create () in
  member wire (Some "10.0.0.1") >>= fun a ->
  ms 1 >>= fun () ->
  ignore (Segment.sent wire);
  Segment.inject wire (message 1 ~from:(mac 9, Ipaddr.V4.any) ~about:(ip4 "10.0.0.1"));
  ms 1 >>= fun () ->
  Alcotest.(check int) "is answered" 1 (List.length (Segment.sent wire));
  Alcotest.(check string) "and not noted" "" (Fmt.str "%a" A.pp a);
  Lwt.return_unit

let stale () =
  run @@ fun () ->
  let wire = Segment.create () in
  member wire (Some "10.0.0.1") >>= fun a ->
  member wire (Some "10.0.0.2") >>= fun b ->
  A.query a (ip4 "10.0.0.2") >>= fun _ ->
  s 301 >>= fun () ->
  ignore (Segment.sent wire);
  A.query a (ip4 "10.0.0.2") >>= fun found ->
  check "still known" (Ok (mac 2)) found;
  ms 1 >>= fun () ->
  ( match Segment.sent wire with
  | [ question; _answer ] ->
      Alcotest.(check string) "asked directly" (Macaddr.to_octets (mac 2)) (Cstruct.to_string question ~off:0 ~len:6)
  | frames -> Alcotest.failf "%d frames instead of a question and its answer" (List.length frames) );
  (* It is gone: after three questions nobody has the address. *)
  A.set_ips b [] >>= fun () ->
  s 302 >>= fun () ->
  A.query a (ip4 "10.0.0.2") >>= fun found ->
  check "believed for a moment" (Ok (mac 2)) found;
  s 4 >>= fun () ->
  A.query a (ip4 "10.0.0.2") >|= fun found -> check "then not" (Error `Timeout) found

let own_addresses () =
  run @@ fun () ->
  let wire = Segment.create () in
  arp_of wire >>= fun (_, a) ->
  let show = Fmt.str "%a" Fmt.(list ~sep:(any " ") Ipaddr.V4.pp) in
  A.add_ip a (ip4 "10.0.0.1") >>= fun () ->
  A.add_ip a (ip4 "10.0.0.3") >>= fun () ->
  Alcotest.(check string) "both" "10.0.0.1 10.0.0.3" (show (A.get_ips a));
  A.remove_ip a (ip4 "10.0.0.1") >|= fun () -> Alcotest.(check string) "one" "10.0.0.3" (show (A.get_ips a))

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "ARP"
    [
      ( "questions",
        [
          case "are answered" asks;
          case "to nobody" nobody;
          case "that get lost" lossy;
          case "of what is long known" stale;
          case "whether an address is free" probe;
        ] );
      ("addresses", [ case "one's own" own_addresses; case "announced, and contested" announces ]);
      ("strangers", [ case "are few" strangers ]);
    ]
