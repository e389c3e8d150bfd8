(* Mirage_kv_mem: what its index leaves to it. *)

module Key = Mirage_kv.Key
module Store : Mirage_kv.RW with type t = Mirage_kv_mem.t = Mirage_kv_mem
module Int63 = Optint.Int63

let run promise = match Lwt.state promise with Lwt.Return value -> value | _ -> Alcotest.fail "not at once"
let read_error = Alcotest.testable Mirage_kv_mem.pp_error ( = )
let write_error = Alcotest.testable Mirage_kv_mem.pp_write_error ( = )
let check_read t name expected promise = Alcotest.(check (result t read_error)) name expected (run promise)
let check_write name expected promise = Alcotest.(check (result unit write_error)) name expected (run promise)
let time = Alcotest.testable (Ptime.pp_rfc3339 ()) Ptime.equal
let at seconds = Option.get (Ptime.of_float_s (float_of_int seconds))

(* A store whose clock goes on by a second at each look. *)
let made () =
  let seconds = ref (-1) in
  let now () =
    incr seconds;
    at !seconds
  in
  run (Mirage_kv_mem.connect ~now ())

open Mirage_kv_mem

let k = Key.v

let values () =
  let t = made () in
  check_write "set" (Ok ()) (set t (k "a/b") "one");
  check_write "set" (Ok ()) (set t (k "a/b") "two");
  check_read Alcotest.string "get" (Ok "two") (get t (k "a/b"));
  check_read time "when" (Ok (at 2)) (last_modified t (k "a/b"));
  check_write "another" (Ok ()) (set t (k "a/c") "");
  check_read time "dictionary: its latest" (Ok (at 3)) (last_modified t (k "a"));
  check_read time "the whole, empty" (Ok (at 0)) (last_modified (made ()) Key.empty);
  check_read (Alcotest.testable Int63.pp Int63.equal) "size" (Ok (Int63.of_int 3)) (size t (k "a/b"));
  check_read Alcotest.string "digest" (Ok (Digest.string "two")) (digest t (k "a/b"));
  check_write "dictionary" (Error (`Value_expected (k "a"))) (set t (k "a") "x");
  check_write "removed" (Ok ()) (remove t (k "a"));
  check_read Alcotest.string "gone" (Error (`Not_found (k "a/b"))) (get t (k "a/b"))

let parts () =
  let t = made () in
  let part offset text = set_partial t (k "v") ~offset:(Int63.of_int offset) text in
  let read offset length = get_partial t (k "v") ~offset:(Int63.of_int offset) ~length in
  check_write "new: from its start" (Ok ()) (part 7 "0123456789");
  check_write "inside" (Ok ()) (part 2 "xx");
  check_write "over the end" (Ok ()) (part 9 "yyy");
  check_write "behind the end" (Ok ()) (part 99 "z");
  check_read Alcotest.string "all" (Ok "01xx45678yyyz") (get t (k "v"));
  check_read Alcotest.string "inside" (Ok "xx4") (read 2 3);
  check_read Alcotest.string "at the end" (Ok "yz") (read 11 9);
  check_read Alcotest.string "behind" (Ok "") (read 13 1);
  check_read Alcotest.string "none" (Error (`Not_found (k "w"))) (get_partial t (k "w") ~offset:Int63.zero ~length:1)

let allocation () =
  let t = made () in
  check_write "made" (Ok ()) (allocate t (k "v") ~last_modified:(at 77) (Int63.of_int 3));
  check_read Alcotest.string "zero" (Ok "\000\000\000") (get t (k "v"));
  check_read time "when" (Ok (at 77)) (last_modified t (k "v"));
  check_write "again" (Error (`Already_present (k "v"))) (allocate t (k "v") Int63.one)

let moves () =
  let t = made () in
  List.iter (fun name -> check_write "set" (Ok ()) (set t (k name) name)) [ "a/b"; "a/c"; "d" ];
  check_write "dictionary" (Ok ()) (rename t ~source:(k "a") ~dest:(k "x/y"));
  check_write "value over a value" (Ok ()) (rename t ~source:(k "d") ~dest:(k "x/y/b"));
  check_read Alcotest.string "moved" (Ok "a/c") (get t (k "x/y/c"));
  check_read Alcotest.string "replaced" (Ok "d") (get t (k "x/y/b"));
  check_read Alcotest.(list pass) "nothing else" (Ok [ (k "x", `Dictionary) ]) (list t Key.empty);
  let other = made () in
  List.iter (fun (name, text) -> check_write "set" (Ok ()) (set other (k name) text)) [ ("x/y/b", "d"); ("x/y/c", "a/c") ];
  Alcotest.(check bool) "equal" true (equal t other);
  check_write "set" (Ok ()) (set other (k "x/y/b") "e");
  Alcotest.(check bool) "not equal" false (equal t other)

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "memory"
    [ ("memory", [ case "values" values; case "parts" parts; case "allocation" allocation; case "moves" moves ]) ]
