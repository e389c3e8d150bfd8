(* DNS messages: replies of all kinds, and any bytes. *)

open Dns_client_mirage.Message

let name text = Domain_name.of_string_exn text

(* Replies, as a server writes them *)

type written = Own of string | Pointer of int  (** To a place in the message; 12 is the question. *)

let label text = Printf.sprintf "%c%s" (Char.chr (String.length text)) text
let word n = Printf.sprintf "%c%c" (Char.chr (n lsr 8)) (Char.chr (n land 255))
let labels text = String.concat "" (List.map label (String.split_on_char '.' text))
let write_name = function Own text -> labels text ^ "\000" | Pointer place -> word (0xc000 lor place)

let record ?(class_ = 1) ?(ttl = 60) owner kind data =
  write_name owner ^ word kind ^ word class_ ^ word (ttl lsr 16) ^ word (ttl land 0xffff) ^ word (String.length data) ^ data

let reply ?(id = 7) ?(flags = 0x8180) ?(questions = 1) ?count ?(kind = 1) asked records =
  let count = Option.value count ~default:(List.length records) in
  String.concat "" (List.map word [ id; flags; questions; count; 0; 0 ])
  ^ write_name (Own asked) ^ word kind ^ word 1 ^ String.concat "" records

let four = "\010\000\000\001"
let decoded ?(kind = A) text = decode ~id:7 kind (name "a.test") text

let data = function
  | Address address -> Ipaddr.to_string address
  | Alias name -> "-> " ^ Domain_name.to_string name

let shown = function
  | None -> "none"
  | Some { truncated; code; answers } ->
      let record { name; ttl_s; data = d } = Printf.sprintf " %s %d %s" (Domain_name.to_string name) ttl_s (data d) in
      Printf.sprintf "%d%s%s" code (if truncated then " cut" else "") (String.concat "" (List.map record answers))

let check ?kind title expected text = Alcotest.(check string) title expected (shown (decoded ?kind text))

let queries () =
  let text = query ~id:0x1234 Aaaa (name "a.test") in
  Alcotest.(check string) "IPv6 of a.test"
    ("\x12\x34\x01\000\000\001\000\000\000\000\000\001" ^ "\001a\004test\000\000\028\000\001" ^ "\000\000\041\x04\xd0\000\000\000\000\000\000")
    text

let replies () =
  let six = String.make 15 '\000' ^ "\001" in
  check "an address" "0 a.test 60 10.0.0.1" (reply "a.test" [ record (Pointer 12) 1 four ]);
  check "written otherwise" "0 a.test 60 10.0.0.1" (reply "A.TEST" [ record (Own "a.test") 1 four ]);
  check ~kind:Aaaa "IPv6" "0 a.test 60 ::1" (reply ~kind:28 "a.test" [ record (Pointer 12) 28 six ]);
  check "an alias" "0 a.test 60 -> b.test b.test 60 10.0.0.1"
    (reply "a.test" [ record (Pointer 12) 5 (labels "b" ^ write_name (Pointer 14)); record (Own "b.test") 1 four ]);
  check "other kinds and classes are left out" "0 a.test 60 10.0.0.1"
    (reply "a.test" [ record (Pointer 12) 16 "text"; record ~class_:3 (Pointer 12) 1 four; record (Pointer 12) 1 four ]);
  check "no such name" "3" (reply ~flags:0x8183 "a.test" []);
  check "cut" "0 cut" (reply ~flags:0x8380 "a.test" ~count:1 []);
  check "for long" "0 a.test 86400 10.0.0.1" (reply "a.test" [ record ~ttl:0x7fffffff (Pointer 12) 1 four ])

let refused () =
  let one = [ record (Pointer 12) 1 four ] in
  check "another number" "none" (reply ~id:8 "a.test" one);
  check "a query" "none" (reply ~flags:0x0100 "a.test" one);
  check "another name" "none" (reply "b.test" one);
  check "another kind" "none" (reply ~kind:28 "a.test" one);
  check "no question" "none" (reply ~questions:0 "a.test" one);
  check "fewer records" "none" (reply ~count:2 "a.test" one);
  check "a short address" "none" (reply "a.test" [ record (Pointer 12) 1 "\010\000\000" ]);
  check "a pointer to itself" "none" (reply "a.test" [ record (Pointer 24) 1 four ]);
  check "a pointer ahead" "none" (reply "a.test" [ record (Pointer 40) 1 four ]);
  check "a label of another sort" "none" (reply "a.test" [ "\x80a\000" ^ String.make 10 '\000' ]);
  let long = String.concat "." (List.init 140 (fun _ -> "x")) in
  check "a name without end" "none" (reply "a.test" [ record (Own long) 1 four ])

(* A name of pointers to pointers, in the data of a record before. *)
let pointers () =
  let chain count =
    let first = 36 in
    let pointer i = write_name (Pointer (if i = 0 then 12 else first + (2 * (i - 1)))) in
    let text = record (Pointer 12) 16 (String.concat "" (List.init count pointer)) in
    reply "a.test" [ text; record (Pointer (first + (2 * (count - 1)))) 1 four ]
  in
  check "some" "0 a.test 60 10.0.0.1" (chain 100);
  check "too many" "none" (chain 200)

let aliases () =
  let address ?(ttl_s = 9) owner text = { name = name owner; ttl_s; data = Address (Ipaddr.of_string_exn text) } in
  let alias ?(ttl_s = 9) owner target = { name = name owner; ttl_s; data = Alias (name target) } in
  let check title expected records =
    let target, addresses = follow (name "a") records in
    let address (address, ttl_s) = Printf.sprintf " %s %d" (Ipaddr.to_string address) ttl_s in
    Alcotest.(check string) title expected (Domain_name.to_string target ^ String.concat "" (List.map address addresses))
  in
  check "none" "a" [];
  check "two" "a 1.1.1.1 9 2.2.2.2 9" [ address "a" "1.1.1.1"; address "b" "3.3.3.3"; address "a" "2.2.2.2" ];
  check "in any order, and the shortest time" "c 1.1.1.1 3"
    [ address "c" "1.1.1.1"; alias ~ttl_s:3 "b" "c"; alias "A" "b" ];
  check "no address at the end" "b" [ alias "a" "b" ];
  check "a circle" "a" [ alias "a" "b"; alias "b" "a" ]

(* Any bytes *)

let broken =
  let open QCheck.Gen in
  let good =
    oneofl
      [
        reply "a.test" [ record (Pointer 12) 5 (labels "b" ^ write_name (Pointer 14)); record (Own "b.test") 1 four ];
        reply "a.test" [ record (Pointer 12) 16 "text"; record (Pointer 12) 1 four ];
      ]
  in
  let change text (place, char) =
    let place = place mod String.length text in
    String.mapi (fun i before -> if i = place then char else before) text
  in
  let* text = map2 (List.fold_left change) good (list_size (int_range 0 4) (pair nat char)) in
  map (fun length -> String.sub text 0 (String.length text - (length mod 8))) nat

let never_raises text = match decoded text with Some { answers; _ } -> ignore (follow (name "a.test") answers); true | None -> true

let property title count gen = Chance.property title count (QCheck.make ~print:(Printf.sprintf "%S") gen) never_raises

let () =
  Alcotest.run "DNS messages"
    [
      ( "messages",
        [
          Alcotest.test_case "queries" `Quick queries;
          Alcotest.test_case "replies" `Quick replies;
          Alcotest.test_case "refused" `Quick refused;
          Alcotest.test_case "pointers" `Quick pointers;
          Alcotest.test_case "aliases" `Quick aliases;
        ] );
      ( "any bytes",
        [
          property "broken replies" 50_000 broken;
          property "noise" 20_000 QCheck.Gen.(string_size (int_range 0 100));
        ] );
    ]
