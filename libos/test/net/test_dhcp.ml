(* The DHCP client, and a server that can misbehave. *)

open Lwt.Infix
open Hosts
open Dhcp_frames
module D = Dhcp_ipv4.Make (Segment) (E) (A)

(* A wire with a server: [answer] gives the frames that follow a message. *)
let network answer =
  let wire = Segment.create () in
  let log = ref [] in
  let server = Segment.attach wire in
  let receive frame =
    ( match seen frame with
    | None -> ()
    | Some message ->
        log := message :: !log;
        List.iter (Segment.inject wire) (answer message) );
    Lwt.return_unit
  in
  Lwt.async (fun () -> Segment.listen server ~header_size:14 receive >|= fun _ -> ());
  let messages () =
    let all = List.rev !log in
    log := [];
    all
  in
  (wire, messages)

let client = mac 2

(* Offers, and grants. *)
let good ?lease ?address { kind; xid; _ } =
  [ frame ~kind:(if kind = 1 then 2 else 5) ?address ~client ~xid (usual ?lease ()) ]

let start ?cidr ?no_init ?hostname ?requests wire =
  let netif = Segment.attach wire in
  E.connect netif >>= fun e ->
  A.connect e >>= fun a ->
  D.connect ?cidr ?no_init ?hostname ?requests netif e a >|= fun d ->
  (* as a stack would *)
  let drop ~src:_ ~dst:_ _ = Lwt.return_unit in
  let ipv4 = D.Ipv4.input (D.ipv4 d) ~tcp:drop ~udp:drop ~default:(fun ~proto:_ -> drop) in
  let input = E.input ~arpv4:(A.input a) ~ipv4 ~ipv6:(fun _ -> Lwt.return_unit) e in
  Lwt.async (fun () -> D.Net.listen (D.net d) ~header_size:14 input >|= fun _ -> ());
  d

let address d = Fmt.str "%a" Fmt.(list Ipaddr.V4.Prefix.pp) (D.Ipv4.configured_ips (D.ipv4 d))
let kinds messages = List.map (fun { kind; _ } -> kind) messages
let ints = Alcotest.(list int)
let strings = Alcotest.(list string)

let granted () =
  run @@ fun () ->
  let wire, messages = network good in
  let began = now_ms () in
  start wire ~hostname:"my_web.server" ~requests:[ 6 ] >>= fun d ->
  Alcotest.(check int) "at once" 0 (now_ms () - began);
  Alcotest.(check string) "address" "10.0.0.50/24" (address d);
  D.lease d >>= fun lease ->
  Alcotest.(check (option string)) "what was asked for" (Some (ip "10.0.0.3"))
    (Option.bind lease (List.assoc_opt 6));
  match messages () with
  | [ discover; request ] ->
      Alcotest.check ints "kinds" [ 1; 3 ] [ discover.kind; request.kind ];
      let option { options; _ } number = List.assoc_opt number options in
      Alcotest.(check (option string)) "list" (Some "\x01\x03\x06") (option discover 55);
      Alcotest.(check (option string)) "name" (Some "my-web-server") (option discover 12);
      Alcotest.(check (option string)) "requests what was offered" (Some (ip "10.0.0.50")) (option request 50);
      Alcotest.(check (option string)) "from whom" (Some (ip "10.0.0.254")) (option request 54);
      Alcotest.(check string) "one exchange" discover.xid request.xid;
      Lwt.return_unit
  | messages -> Alcotest.failf "%d messages" (List.length messages)

(* Times are those of RFC 2131: half of the lease, then seven eighths. *)
let renewed () =
  run @@ fun () ->
  let wire, messages = network good in
  start wire >>= fun d ->
  ignore (messages ());
  let began = now_ms () in
  (* The server's own address, so that it can be written to. *)
  host wire "10.0.0.254/24" >>= fun _ ->
  s 1600 >|= fun () ->
  let asked = messages () in
  Alcotest.check ints "asks for more" [ 3; 3; 3 ] (kinds asked);
  Alcotest.check ints "half-way" [ 500; 1000; 1500 ] (List.map (fun { at; _ } -> (at - began) / 1000) asked);
  List.iter
    (fun { ciaddr; to_; options; _ } ->
      Alcotest.(check string) "its address" (ip "10.0.0.50") ciaddr;
      Alcotest.(check string) "to its server" (ip "10.0.0.254") to_;
      Alcotest.(check bool) "and no more" false (List.mem_assoc 50 options || List.mem_assoc 54 options))
    asked;
  Alcotest.(check string) "the same" "10.0.0.50/24" (address d)

let server_gone () =
  run @@ fun () ->
  let alive = ref true in
  let offered = ref "10.0.0.50" in
  let wire, messages = network (fun message -> if !alive then good ~address:!offered message else []) in
  start wire >>= fun d ->
  ignore (messages ());
  let began = now_ms () in
  alive := false;
  s 1000 >>= fun () ->
  let asked = messages () in
  let to_all = List.filter (fun { to_; _ } -> to_ = "\xff\xff\xff\xff") asked in
  Alcotest.(check bool) "after seven eighths, anybody is asked" true
    (to_all <> [] && List.for_all (fun { at; _ } -> at - began >= 875_000) to_all);
  Alcotest.(check bool) "not too often" true (List.length asked <= 12);
  s 100 >>= fun () ->
  Alcotest.(check bool) "then from the start" true (List.mem 1 (kinds (messages ())));
  offered := "10.0.0.77";
  alive := true;
  s 70 >|= fun () ->
  Alcotest.(check string) "another address" "10.0.0.77/24" (address d);
  match warnings () with
  | over :: _ -> Alcotest.(check string) "it is said" "The lease of 10.0.0.50/24 is over." over
  | [] -> Alcotest.fail "no warning"

let nobody () =
  run @@ fun () ->
  let alive = ref false in
  let wire, messages = network (fun message -> if !alive then good message else []) in
  let d = start wire in
  let began = now_ms () in
  s 4 >>= fun () ->
  Alcotest.check strings "it is said soon"
    [
      "No DHCP server answers: there is no IPv4 address yet. I keep asking. An address can be given as an argument, as in \
       --ipv4=10.0.0.2/24.";
    ]
    (warnings ());
  s 300 >>= fun () ->
  let asked = messages () in
  Alcotest.(check bool) "asks on, ever less often" true (List.length asked >= 8 && List.length asked <= 12);
  let first, second = (List.nth asked 0, List.nth asked 1) in
  Alcotest.(check bool) "soon again" true (second.at - first.at >= 1000 && second.at - first.at <= 2000);
  Alcotest.(check bool) "one exchange" true (first.xid = second.xid && first.at - began < 10);
  Alcotest.(check bool) "not yet" true (Lwt.is_sleeping d);
  alive := true;
  s 66 >|= fun () ->
  Alcotest.(check bool) "at last" false (Lwt.is_sleeping d);
  ignore (warnings ())

let lossy () =
  run @@ fun () ->
  let wire, _ = network good in
  Segment.set_faults wire { Segment.none with loss = 0.5; delay = 1_000_000; jitter = 100_000_000 };
  start wire >|= fun d ->
  Alcotest.(check string) "address" "10.0.0.50/24" (address d);
  ignore (warnings ())

let refused () =
  run @@ fun () ->
  let times = ref 2 in
  let answer ({ kind; xid; _ } as message) =
    if kind = 3 && !times > 0 then begin
      decr times;
      [ frame ~kind:6 ~client ~xid [] ]
    end
    else good message
  in
  let wire, messages = network answer in
  start wire >|= fun d ->
  Alcotest.check ints "from the start again" [ 1; 3; 1; 3; 1; 3 ] (kinds (messages ()));
  Alcotest.(check string) "address" "10.0.0.50/24" (address d);
  ignore (warnings ())

let silent_after_offer () =
  run @@ fun () ->
  let requests = ref 0 in
  let answer ({ kind; _ } as message) =
    if kind = 3 then incr requests;
    if kind = 3 && !requests <= 4 then [] else good message
  in
  let wire, messages = network answer in
  start wire >|= fun d ->
  Alcotest.check ints "asked four times, then from the start" [ 1; 3; 3; 3; 3; 1; 3 ] (kinds (messages ()));
  Alcotest.(check string) "address" "10.0.0.50/24" (address d);
  ignore (warnings ())

(* What is not for us, or makes no sense, is not taken. *)
let nonsense () =
  run @@ fun () ->
  let spoilt at f xid =
    let frame = frame ~client ~xid (usual ()) in
    Cstruct.set_uint8 frame at (f (Cstruct.get_uint8 frame at));
    frame
  in
  let answer ({ kind; xid; _ } as message) =
    let other_xid = String.map (fun c -> Char.chr (Char.code c lxor 1)) xid in
    let truncated = frame ~client ~xid (usual ()) in
    [
      frame ~client ~xid:other_xid ~address:"10.9.9.1" (usual ());
      frame ~client:(mac 66) ~xid ~address:"10.9.9.2" (usual ());
      Cstruct.sub truncated 0 100;
      Cstruct.sub truncated 0 (Cstruct.length truncated - 4);
      spoilt 42 (fun _ -> 1) xid;
      spoilt 278 (fun byte -> byte lxor 1) xid;
      frame ~kind:5 ~client ~xid ~address:"0.0.0.0" (usual ());
      frame ~kind:5 ~client ~xid ~address:"224.0.0.9" (usual ());
      frame ~kind:5 ~client ~xid ~address:"10.9.9.3" [ (1, ip "255.0.255.0") ];
      frame ~kind:99 ~client ~xid ~address:"10.9.9.4" (usual ());
    ]
    @ if kind = 1 || kind = 3 then good message else []
  in
  let wire, _ = network answer in
  start wire >|= fun d -> Alcotest.(check string) "address" "10.0.0.50/24" (address d)

let no_netmask () =
  run @@ fun () ->
  let wire, _ = network (fun { kind; xid; _ } -> [ frame ~kind:(if kind = 1 then 2 else 5) ~client ~xid [] ]) in
  start wire >|= fun d -> Alcotest.(check string) "one like most, for ever" "10.0.0.50/24" (address d)

let given () =
  run @@ fun () ->
  let wire, messages = network good in
  start wire ~cidr:(Ipaddr.V4.Prefix.of_string_exn "10.0.0.9/24") >>= fun d ->
  Alcotest.(check string) "address" "10.0.0.9/24" (address d);
  D.lease d >>= fun lease ->
  Alcotest.(check bool) "no lease" true (lease = None);
  start wire ~no_init:true >>= fun _ ->
  s 10 >|= fun () -> Alcotest.check ints "nobody was asked" [] (kinds (messages ()))

(* The interface that is handed on has all frames but those for the client. *)
let others_frames () =
  run @@ fun () ->
  let wire, _ = network good in
  start wire >>= fun d ->
  let got = ref 0 in
  Lwt.async (fun () ->
      D.Net.listen (D.net d) ~header_size:14 (fun _ -> incr got; Lwt.return_unit) >|= fun _ -> ());
  Segment.inject wire (frame ~client ~xid:"none" []);
  Segment.inject wire (Cstruct.create 60);
  Segment.inject wire (Cstruct.create 10);
  ms 1 >|= fun () -> Alcotest.(check int) "the others" 2 !got

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "DHCP"
    [
      ( "a lease",
        [
          case "is granted" granted;
          case "is renewed" renewed;
          case "runs out" server_gone;
          case "without a netmask" no_netmask;
          case "is not needed" given;
        ] );
      ( "servers",
        [
          case "that are not there" nobody;
          case "on a bad wire" lossy;
          case "that refuse" refused;
          case "that fall silent" silent_after_offer;
          case "that talk nonsense" nonsense;
        ] );
      ("the interface", [ case "keeps the others' frames" others_frames ]);
    ]
