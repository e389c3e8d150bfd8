open Lwt.Infix
module E = Ethernet.Make (Segment)
module A = Arp.Make (E)
module V4 = Static_ipv4.Make (E) (A)
module V6 = Ipv6.Make (Segment) (E)
module Ip = Tcpip_stack_direct.IPV4V6 (V4) (V6)
module I = Icmpv4.Make (V4)
module U = Udp.Make (Ip)
module T = Tcp.Flow.Make (Ip)
module Stack = Tcpip_stack_direct.MakeV4V6 (Segment) (E) (A) (Ip) (I) (U) (T)

type t = { netif : Segment.t; ethernet : E.t; arp : A.t; ipv4 : V4.t; ipv6 : V6.t; ip : Ip.t; stack : Stack.t }

let host ?gateway ?ipv6 wire address =
  let netif = Segment.attach wire in
  let gateway = Option.map Ipaddr.V4.of_string_exn gateway in
  let cidr = Option.map Ipaddr.V6.Prefix.of_string_exn ipv6 in
  E.connect netif >>= fun ethernet ->
  A.connect ethernet >>= fun arp ->
  V4.connect ~cidr:(Ipaddr.V4.Prefix.of_string_exn address) ?gateway ethernet arp >>= fun ipv4 ->
  V6.connect ?cidr netif ethernet >>= fun ipv6 ->
  Ip.connect ~ipv4_only:false ~ipv6_only:false ipv4 ipv6 >>= fun ip ->
  I.connect ipv4 >>= fun icmp ->
  U.connect ip >>= fun udp ->
  T.connect ip >>= fun tcp ->
  Stack.connect netif ethernet arp ip icmp udp tcp >|= fun stack -> { netif; ethernet; arp; ipv4; ipv6; ip; stack }

(* The main loop ends the program at an exception; a test only fails. *)
let run f =
  let result = ref None in
  let keep value = Lwt.return (result := Some value) in
  Unikernel_os.Main.run (Lwt.try_bind f (fun value -> keep (Ok value)) (fun exn -> keep (Error exn)));
  match Option.get !result with Ok value -> value | Error exn -> raise exn

let ms n = Mirage_sleep.ns (Int64.of_int (n * 1_000_000))
let s n = ms (1000 * n)
let ip4 = Ipaddr.V4.of_string_exn
let ip6 = Ipaddr.V6.of_string_exn
let mac n = Macaddr.of_octets_exn (Printf.sprintf "\x02\x00\x00\x00\x00%c" (Char.chr n))
let hex text = Cstruct.of_hex text
let logged = ref []

let warnings () =
  let lines = List.rev !logged in
  logged := [];
  lines

let () =
  let report _ level ~over k message =
    message (fun ?header:_ ?tags:_ format ->
        Format.kasprintf
          (fun line ->
            ( match level with Logs.App | Error | Warning -> logged := line :: !logged | Info | Debug -> () );
            over ();
            k ())
          format)
  in
  Logs.set_level (Some Logs.Warning);
  Logs.set_reporter { Logs.report }

let short =
  let pp ppf text =
    if String.length text <= 100 then Fmt.Dump.string ppf text
    else Fmt.pf ppf "%S… (%d bytes)" (String.sub text 0 60) (String.length text)
  in
  Alcotest.testable pp String.equal
