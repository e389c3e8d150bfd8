(* How name servers are written, and what is remembered. *)

open Dns_client_mirage

let servers () =
  let check text expected =
    let shown = match Nameserver.of_string text with Ok server -> Fmt.str "%a" Nameserver.pp server | Error (`Msg m) -> m in
    Alcotest.(check string) text expected shown
  in
  check "10.0.2.3" "10.0.2.3";
  check "udp:10.0.2.3:5353" "10.0.2.3:5353";
  check "tcp:10.0.2.3:53" "tcp:10.0.2.3";
  check "fd00::3" "fd00::3";
  check "tcp:[fd00::3]:5353" "tcp:[fd00::3]:5353";
  check "example.org" {|"example.org" is no address of a name server|};
  check "10.0.2.3:0" {|"10.0.2.3:0" is no address of a name server|};
  check "tls:10.0.2.3" "tls:10.0.2.3: DNS over TLS is not in the offline toolchain; labkit build --toolchain opam has it"

let leases () =
  let check expected options = Alcotest.(check (option (list string))) "servers" expected (Nameserver.of_lease options) in
  check None None;
  check None (Some [ (3, "\010\000\002\002") ]);
  check (Some [ "10.0.2.3"; "1.2.3.4" ]) (Some [ (6, "\010\000\002\003\001\002\003\004") ]);
  check None (Some [ (6, "\010\000") ])

let seconds n = Int64.mul 1_000_000_000L (Int64.of_int n)
let name text = Domain_name.of_string_exn text
let address text = Ipaddr.of_string_exn text

let cache () =
  let cache = Cache.create 2 in
  let keep ?(kind = Message.A) ~now text addresses = Cache.keep cache ~now:(seconds now) kind (name text) addresses in
  let check expected ?(kind = Message.A) ~now text =
    let found = Cache.find cache ~now:(seconds now) kind (name text) in
    Alcotest.(check (option (list string))) text expected (Option.map (List.map Ipaddr.to_string) found)
  in
  keep ~now:100 "a" [ (address "1.1.1.1", 60); (address "2.2.2.2", 30) ];
  check (Some [ "1.1.1.1"; "2.2.2.2" ]) ~now:129 "A";
  check None ~now:130 "a";
  check None ~kind:Aaaa ~now:101 "a";
  keep ~now:100 "not kept" [ (address "1.1.1.1", 0) ];
  check None ~now:100 "not kept";
  keep ~now:120 "b" [ (address "3.3.3.3", 60) ];
  keep ~now:140 "c" [ (address "4.4.4.4", 60) ];
  check (Some [ "3.3.3.3" ]) ~now:141 "b";
  check (Some [ "4.4.4.4" ]) ~now:141 "c";
  keep ~now:150 "d" [ (address "5.5.5.5", 60) ];
  check (Some [ "5.5.5.5" ]) ~now:151 "d";
  check None ~now:151 "b"

let () =
  Alcotest.run "DNS client"
    [
      ( "client",
        [
          Alcotest.test_case "name servers" `Quick servers;
          Alcotest.test_case "leases" `Quick leases;
          Alcotest.test_case "cache" `Quick cache;
        ] );
    ]
