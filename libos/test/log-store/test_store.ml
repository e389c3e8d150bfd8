(* Log_store, while the power is on: what it does, and what it refuses. *)

open Lwt.Infix
module Key = Mirage_kv.Key
module Int63 = Optint.Int63
module Store = Log_store.Make (Model_disk)

let run = Runner.run
let k = Key.v
let at seconds = Option.get (Ptime.of_float_s (float_of_int seconds))
let clock = ref 0

let now () =
  incr clock;
  at !clock

let connect disk = run (Store.connect ~now disk)

let opened disk =
  match connect disk with Ok store -> store | Error error -> Alcotest.failf "%a" Log_store.pp_connect_error error

let disk ?sector_size ?(sectors = 2050) () = Model_disk.create ?sector_size sectors

(* As it is on the medium. *)
let again disk = opened (Model_disk.copy disk)
let read_error = Alcotest.testable Store.pp_error ( = )
let write_error = Alcotest.testable Store.pp_write_error ( = )
let connect_error = Alcotest.testable Log_store.pp_connect_error ( = )
let check_read t name expected promise = Alcotest.(check (result t read_error)) name expected (run promise)
let check_write name expected promise = Alcotest.(check (result unit write_error)) name expected (run promise)
let check_get name expected store text = check_read Alcotest.string name expected (Store.get store (k text))
let time = Alcotest.testable (Ptime.pp_rfc3339 ()) Ptime.equal
let key = Alcotest.testable Key.pp Key.equal
let int63 = Alcotest.testable Int63.pp Int63.equal
let text seed length = String.init length (fun i -> Char.chr (((i * 7) + (i / 251) + seed) land 255))

let both name store disk check =
  check name store;
  check (name ^ ", connected again") (again disk)

(* Values *)

let sizes () =
  let disk = disk ~sectors:20_002 () in
  let store = opened disk in
  let sizes = [ 0; 1; 400; 511; 512; 513; 4000; 65_000; 65_535; 65_536; 65_537; 131_072; 1_000_000 ] in
  let name size = Printf.sprintf "dir/%d" size in
  List.iter (fun size -> check_write "set" (Ok ()) (Store.set store (k (name size)) (text size size))) sizes;
  both "get" store disk (fun what store ->
      List.iter (fun size -> check_get what (Ok (text size size)) store (name size)) sizes;
      List.iter
        (fun size -> check_read int63 what (Ok (Int63.of_int size)) (Store.size store (k (name size))))
        sizes;
      check_read Alcotest.string what (Ok (Digest.string (text 4000 4000))) (Store.digest store (k (name 4000))))

let replaced () =
  let disk = disk () in
  let store = opened disk in
  check_write "set" (Ok ()) (Store.set store (k "a") "one");
  check_write "set" (Ok ()) (Store.set store (k "a") "two");
  let when_set = !clock in
  check_write "set" (Ok ()) (Store.set store (k "b/c") "three");
  check_write "remove" (Ok ()) (Store.remove store (k "b"));
  check_write "remove what is not there" (Ok ()) (Store.remove store (k "b"));
  both "now" store disk (fun what store ->
      check_get what (Ok "two") store "a";
      check_get what (Error (`Not_found (k "b/c"))) store "b/c";
      check_read (Alcotest.option Alcotest.pass) what (Ok None) (Store.exists store (k "b"));
      check_read time what (Ok (at when_set)) (Store.last_modified store (k "a"));
      check_read (Alcotest.list (Alcotest.pair key Alcotest.pass)) what
        (Ok [ (k "a", `Value) ])
        (Store.list store Key.empty))

let parts () =
  let disk = disk ~sectors:20_002 () in
  let store = opened disk in
  let model = ref "" in
  let apply offset part =
    let offset' = min offset (String.length !model) in
    let rest = min (String.length !model) (offset' + String.length part) in
    model := String.sub !model 0 offset' ^ part ^ String.sub !model rest (String.length !model - rest);
    check_write "part" (Ok ()) (Store.set_partial store (k "v") ~offset:(Int63.of_int offset) part);
    check_get "whole" (Ok !model) store "v"
  in
  let random = Random.State.make [| 5 |] in
  let int n = Random.State.int random n in
  apply 7 "first";
  (* Within, over the end, behind it, over the bounds of what the log has in one piece. *)
  for _ = 1 to 120 do
    let length = if int 4 = 0 then int 150_000 else int 2000 in
    let offset = if int 3 = 0 then String.length !model else int (String.length !model + 10) in
    apply offset (text (int 256) length)
  done;
  both "at last" store disk (fun what store ->
      check_get what (Ok !model) store "v";
      for _ = 1 to 100 do
        let size = String.length !model in
        let offset = int (size + 10) and length = int 200_000 in
        let expected = if offset >= size then "" else String.sub !model offset (min length (size - offset)) in
        check_read Alcotest.string what (Ok expected)
          (Store.get_partial store (k "v") ~offset:(Int63.of_int offset) ~length)
      done);
  check_write "a dictionary" (Ok ()) (Store.set store (k "d/e") "");
  check_write "a dictionary" (Error (`Value_expected (k "d"))) (Store.set_partial store (k "d") ~offset:Int63.zero "x")

let allocation () =
  let disk = disk () in
  let store = opened disk in
  check_write "made" (Ok ()) (Store.allocate store (k "v") ~last_modified:(at 77) (Int63.of_int 100_000));
  check_write "there already" (Error (`Already_present (k "v"))) (Store.allocate store (k "v") Int63.one);
  check_write "too large" (Error `No_space) (Store.allocate store (k "w") (Int63.of_int 1_000_000));
  check_write "far too large" (Error `No_space) (Store.allocate store (k "w") Int63.max_int);
  both "now" store disk (fun what store ->
      check_get what (Ok (String.make 100_000 '\000')) store "v";
      check_read time what (Ok (at 77)) (Store.last_modified store (k "v")))

let moves () =
  let disk = disk () in
  let store = opened disk in
  let large = text 3 200_000 in
  List.iter
    (fun (name, value) -> check_write "set" (Ok ()) (Store.set store (k name) value))
    [ ("a/b", "one"); ("a/c/d", large); ("a/empty", ""); ("e", "two"); ("x", "three") ];
  let rename source dest = Store.rename store ~source:(k source) ~dest:(k dest) in
  let set_at = Result.get_ok (run (Store.last_modified store (k "a/c/d"))) in
  check_write "a dictionary" (Ok ()) (rename "a" "f/g");
  check_write "over a value" (Ok ()) (rename "e" "x");
  check_write "below itself" (Ok ()) (rename "x" "x/y");
  check_write "into itself" (Error (`Rename_source_prefix (k "f", k "f/g/h"))) (rename "f" "f/g/h");
  check_write "nothing" (Error (`Not_found (k "e"))) (rename "e" "h");
  both "now" store disk (fun what store ->
      check_get what (Ok "one") store "f/g/b";
      check_get what (Ok large) store "f/g/c/d";
      check_get what (Ok "") store "f/g/empty";
      check_get what (Ok "two") store "x/y";
      check_read time what (Ok set_at) (Store.last_modified store (k "f/g/c/d"));
      check_read (Alcotest.option Alcotest.pass) what (Ok None) (Store.exists store (k "a")))

(* Space *)

let fill store =
  let rec go i =
    match run (Store.set store (k (Printf.sprintf "fill/%d" i)) (text i 3000)) with
    | Ok () -> go (i + 1)
    | Error `No_space -> i
    | Error error -> Alcotest.failf "%a" Store.pp_write_error error
  in
  go 0

let full () =
  let disk = disk ~sectors:514 () in
  let store = opened disk in
  let count = fill store in
  let { Log_store.used; capacity; keys } = Store.space store in
  Alcotest.(check int) "keys" count keys;
  Alcotest.(check bool) "full" true (used <= capacity && capacity - used < 4000);
  Alcotest.(check bool) "half of the device at least" true (count * 3000 > 257 * 512);
  both "all there" store disk (fun what store ->
      for i = 0 to count - 1 do
        check_get what (Ok (text i 3000)) store (Printf.sprintf "fill/%d" i)
      done);
  (* A full store can be changed for ever, as long as it does not grow. *)
  for i = 0 to 2000 do
    let name = Printf.sprintf "fill/%d" (i * 7 mod count) in
    check_write "replace" (Ok ()) (Store.set store (k name) (text (i * 7 mod count) 3000))
  done;
  check_write "no more" (Error `No_space) (Store.set store (k "more") (text 0 3000));
  check_write "rename" (Ok ()) (Store.rename store ~source:(k "fill/0") ~dest:(k "f/0"));
  check_write "remove" (Ok ()) (Store.remove store (k "fill/1"));
  check_write "again" (Ok ()) (Store.set store (k "more") (text 1 2900));
  both "the others" store disk (fun what store ->
      for i = 2 to count - 1 do
        check_get what (Ok (text i 3000)) store (Printf.sprintf "fill/%d" i)
      done);
  check_write "all" (Ok ()) (Store.remove store Key.empty);
  both "nothing" store disk (fun what store ->
      Alcotest.(check int) what 0 (Store.space store).used;
      check_read (Alcotest.list Alcotest.pass) what (Ok []) (Store.list store Key.empty));
  Alcotest.(check bool) "as many as before" true (abs (fill store - count) <= 1)

let many_keys () =
  let disk = disk ~sectors:100_002 () in
  let store = opened disk in
  let most = 32_768 in
  let name i = k (Printf.sprintf "%d" i) in
  let all = run (Lwt.all (List.init (most + 100) (fun i -> Store.set store (name i) ""))) in
  Alcotest.(check int) "as many as there can be" most (List.length (List.filter Result.is_ok all));
  check_write "no more" (Error `No_space) (Store.set store (k "more") "");
  check_write "but another value" (Ok ()) (Store.set store (name 7) "seven");
  check_write "or another key" (Ok ()) (Store.rename store ~source:(name 8) ~dest:(k "more"));
  Alcotest.(check int) "connected again" most (Store.space (again disk)).keys

(* One large value, replaced: the old and the new are there together. *)
let large () =
  let disk = disk ~sectors:2050 () in
  let store = opened disk in
  for i = 0 to 30 do
    check_write "set" (Ok ()) (Store.set store (k "v") (text i 300_000));
    check_get "get" (Ok (text i 300_000)) store "v"
  done;
  check_write "more than it can be" (Error `No_space) (Store.set store (k "v") (text 0 900_000));
  check_get "as it was" (Ok (text 30 300_000)) (again disk) "v"

let together () =
  let disk = disk ~sectors:2050 () in
  let store = opened disk in
  check_write "the first of all" (Ok ()) (Store.set store (k "first") "");
  let before = Model_disk.operations disk in
  let all = List.init 100 (fun i -> Store.set store (k (string_of_int i)) (text i 100)) in
  Alcotest.(check bool) "all" true (List.for_all Result.is_ok (run (Lwt.all all)));
  Alcotest.(check int) "one write, one flush" (before + 2) (Model_disk.operations disk);
  for i = 0 to 99 do
    check_get "each" (Ok (text i 100)) (again disk) (string_of_int i)
  done

let in_order () =
  let disk = disk () in
  let store = opened disk in
  let asked =
    List.map
      (fun ask -> ask ())
      [
        (fun () -> Store.set store (k "a") "one");
        (fun () -> Store.set_partial store (k "a") ~offset:(Int63.of_int 3) " two");
        (fun () -> Store.rename store ~source:(k "a") ~dest:(k "b"));
        (fun () -> Store.set store (k "b/c") "x");
        (fun () -> Store.allocate store (k "b") Int63.one);
        (fun () -> Store.remove store (k "b"));
        (fun () -> Store.set store (k "b/c") "three");
        (fun () -> Store.set_partial store (k "b/c") ~offset:Int63.zero "T");
      ]
  in
  let expected =
    [ Ok (); Ok (); Ok (); Error (`Dictionary_expected (k "b/c")); Error (`Already_present (k "b")); Ok (); Ok (); Ok () ]
  in
  Alcotest.(check (list (result unit write_error))) "each after those before" expected (run (Lwt.all asked));
  both "at last" store disk (fun what store -> check_get what (Ok "Three") store "b/c")

(* What is read while compaction moves it. *)
let read_meanwhile () =
  let disk = disk ~sectors:514 () in
  let store = opened disk in
  let value = text 9 20_000 in
  check_write "set" (Ok ()) (Store.set store (k "kept") value);
  Model_disk.slow_reads disk (Random.State.make [| 3 |]);
  let over = ref false and reads = ref 0 in
  let rec read () =
    if !over then Lwt.return_unit
    else
      Store.get store (k "kept") >>= fun result ->
      incr reads;
      Alcotest.(check (result string read_error)) "as it is" (Ok value) result;
      read ()
  in
  let rec write i =
    if i = 2000 then Lwt.return (over := true)
    else
      Store.set store (k "other") (text i 4000) >>= fun result ->
      Alcotest.(check (result unit write_error)) "set" (Ok ()) result;
      write (i + 1)
  in
  run (Lwt.join [ read (); write 0 ]);
  Alcotest.(check bool) "often" true (!reads > 100)

(* Devices *)

let sectors_of_all_sizes () =
  let one sector_size =
    let disk = disk ~sector_size ~sectors:600 () in
    let store = opened disk in
    check_write "set" (Ok ()) (Store.set store (k "a") (text 1 10_000));
    for i = 0 to 400 do
      check_write "set" (Ok ()) (Store.set store (k "b") (text i 9_000))
    done;
    check_get "get" (Ok (text 1 10_000)) (again disk) "a"
  in
  List.iter one [ 512; 520; 1024; 4096 ]

let refused () =
  let check name expected disk =
    match connect disk with
    | Ok _ -> Alcotest.failf "%s: taken" name
    | Error error -> Alcotest.check connect_error name expected error
  in
  check "too small" (`Too_small (514 * 512)) (disk ~sectors:513 ());
  check "sectors too small" (`Too_small (514 * 512)) (disk ~sector_size:256 ());
  let used = disk () in
  Model_disk.set used 700_000 'x';
  check "something on it" `Unknown_content used;
  let first = disk () in
  Model_disk.set first 3 'x';
  check "something on its first sector" `Unknown_content first;
  let made = disk () in
  let store = opened made in
  check_write "set" (Ok ()) (Store.set store (k "a") "b");
  let cut = disk ~sectors:2000 () in
  for i = 0 to Model_disk.size cut - 1 do
    Model_disk.set cut i (Model_disk.get made i)
  done;
  check "cut off" (`Wrong_size (512, 2050)) cut;
  let longer = disk ~sectors:3000 () in
  for i = 0 to Model_disk.size made - 1 do
    Model_disk.set longer i (Model_disk.get made i)
  done;
  check_get "longer" (Ok "b") (opened longer) "a"

let long_keys () =
  let disk = disk () in
  let store = opened disk in
  let long = Key.(v "a" / String.make 1021 'b') and longer = Key.(v "a" / String.make 1022 'b') in
  check_write "long" (Ok ()) (Store.set store long "x");
  check_write "too long" (Error (`Key_too_long (longer, 1024))) (Store.set store longer "x");
  check_write "moved to one" (Error (`Key_too_long (longer, 1024))) (Store.rename store ~source:long ~dest:longer);
  let odd = Key.(v "\000\255" / "" / "\n") in
  check_write "of any bytes" (Ok ()) (Store.set store odd "y");
  both "now" store disk (fun what store ->
      check_read Alcotest.string what (Ok "x") (Store.get store long);
      check_read Alcotest.string what (Ok "y") (Store.get store odd);
      check_read (Alcotest.list (Alcotest.pair key Alcotest.pass)) what
        (Ok [ (Key.(v "\000\255" / ""), `Dictionary) ])
        (Store.list store (Key.v "\000\255")))

let failing_device () =
  let disk = disk () in
  let store = opened disk in
  check_write "set" (Ok ()) (Store.set store (k "a") "one");
  let failed = Error (`Disk "it failed") in
  Model_disk.fail_at disk 0;
  check_write "write fails" failed (Store.set store (k "a") "two");
  Model_disk.fail_at disk 1;
  check_write "flush fails" failed (Store.set store (k "a") "two");
  check_get "as it was" (Ok "one") store "a";
  check_write "goes on" (Ok ()) (Store.set store (k "b") "three");
  both "now" store disk (fun what store ->
      check_get what (Ok "one") store "a";
      check_get what (Ok "three") store "b");
  for sector = 0 to 100 do
    Model_disk.read_fails disk sector
  done;
  check_read Alcotest.string "read fails" failed (Store.get store (k "a"));
  match connect disk with
  | Error (`Disk "it failed") -> ()
  | Ok _ | Error _ -> Alcotest.fail "connected to what cannot be read"

(* Asks for what takes so many writes, and cuts the power before the flush. *)
let interrupted disk store value ~writes =
  Model_disk.cut_after disk writes;
  Alcotest.(check bool) "cut" true (Runner.run_until_stuck (Store.set store (k "b") value) = None)

let log_sectors disk = List.filter (fun sector -> sector >= 2) (Model_disk.open_sectors disk)

(* A transaction fails, and the next is in its place: the first frame of this and the rest of that are not one together. *)
let two_halves () =
  let disk = disk ~sectors:514 () in
  let store = opened disk in
  check_write "set" (Ok ()) (Store.set store (k "a") "one");
  Model_disk.fail_at disk 4;
  check_write "fails" (Error (`Disk "it failed")) (Store.set store (k "b") (text 1 30_000));
  interrupted disk store (text 2 30_000) ~writes:4;
  let first = List.hd (log_sectors disk) in
  let after = opened (Model_disk.restart_with disk (fun sector -> if sector < first + 16 then `Last else `First)) in
  check_get "kept" (Ok "one") after "a";
  check_get "never there" (Error (`Not_found (k "b"))) after "b";
  check_get "there, if all has arrived" (Ok (text 2 30_000)) (opened (Model_disk.restart_with disk (fun _ -> `Last))) "b"

(* Of a transaction one sector is missing; what comes in its place after a restart is lost but for that sector, which happens
   to have the same bytes: that does not bring back what was gone. *)
let completed_later () =
  let disk = disk ~sectors:514 () in
  check_write "set" (Ok ()) (Store.set (opened disk) (k "a") "one");
  let value seed = text seed 100 ^ String.make 5_000 'x' in
  let once disk seed ~writes choose =
    let disk = Model_disk.copy disk in
    interrupted disk (opened disk) (value seed) ~writes;
    let first = List.hd (log_sectors disk) in
    Model_disk.restart_with disk (fun sector -> choose (sector - first))
  in
  let superblocks = 2 in
  let first = once disk 1 ~writes:(superblocks + 2) (fun place -> if place = 5 then `Lost else `Last) in
  check_get "gone" (Error (`Not_found (k "b"))) (opened first) "b";
  let second = once first 2 ~writes:(superblocks + 2) (fun place -> if place = 5 then `Last else `Lost) in
  check_get "still gone" (Error (`Not_found (k "b"))) (opened second) "b";
  check_get "kept" (Ok "one") (opened second) "a"

let refused_as_damaged name disk =
  match connect disk with
  | Error (`Damaged _) -> ()
  | Ok _ -> Alcotest.failf "%s: taken, and what was acknowledged is lost" name
  | Error error -> Alcotest.failf "%s: %a" name Log_store.pp_connect_error error

(* Where the log cannot end, it has not ended. *)
let damaged_log () =
  let disk = disk () in
  let store = opened disk in
  let set i = check_write "set" (Ok ()) (Store.set store (k (string_of_int i)) "value") in
  List.iter set [ 0; 1; 2; 3; 4 ];
  let damaged = Model_disk.copy disk in
  Model_disk.set damaged (4 * 512) 'x';
  refused_as_damaged "a frame that has some behind it" damaged;
  (* Its next connection notes where the log ends. *)
  let store = opened disk in
  check_write "set" (Ok ()) (Store.set store (k "5") "value");
  let wiped = Model_disk.copy disk in
  for i = 2 * 512 to Model_disk.size wiped - 1 do
    Model_disk.set wiped i '\000'
  done;
  refused_as_damaged "a log that is gone" wiped

(* Whatever fails while compaction is at work: what it has moved is where it says. *)
let failing_compaction () =
  let random = Random.State.make [| 11 |] in
  for failing = 0 to 120 do
    let disk = disk ~sectors:514 () in
    let store = opened disk in
    check_write "set" (Ok ()) (Store.set store (k "kept/1") (text 1 9_000));
    check_write "set" (Ok ()) (Store.set store (k "kept/2") (text 2 400));
    Model_disk.fail_at disk (60 + failing);
    let rec until_it_fails i =
      match run (Store.set store (k "other") (text i 5_000)) with
      | Ok () -> until_it_fails (i + 1)
      | Error (`Disk _) -> ()
      | Error error -> Alcotest.failf "%a" Store.pp_write_error error
    in
    until_it_fails 0;
    check_write "move" (Ok ()) (Store.rename store ~source:(k "kept") ~dest:(k "moved"));
    for _ = 1 to 5 do
      let after = opened (Model_disk.restart disk random) in
      check_get "moved" (Ok (text 1 9_000)) after "moved/1";
      check_get "moved" (Ok (text 2 400)) after "moved/2"
    done
  done

let disconnected () =
  let disk = disk () in
  let store = opened disk in
  let last = Store.set store (k "a") "b" in
  run (Store.disconnect store);
  Alcotest.(check bool) "what was asked is done" true (Lwt.state last = Return (Ok ()));
  check_read Alcotest.string "get" (Error `Disconnected) (Store.get store (k "a"));
  check_write "set" (Error `Disconnected) (Store.set store (k "a") "c");
  check_get "on the medium" (Ok "b") (again disk) "a"

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "store"
    [
      ( "values",
        [
          case "of all sizes" sizes;
          case "replaced and removed" replaced;
          case "parts" parts;
          case "allocation" allocation;
          case "moves" moves;
          case "asked for together" together;
          case "in order" in_order;
          case "long and odd keys" long_keys;
        ] );
      ("space", [ case "full" full; case "many keys" many_keys; case "large" large; case "read meanwhile" read_meanwhile ]);
      ( "devices",
        [
          case "sectors" sectors_of_all_sizes;
          case "refused" refused;
          case "failing" failing_device;
          case "two halves" two_halves;
          case "completed later" completed_later;
          case "a damaged log" damaged_log;
          case "failing in compaction" failing_compaction;
          case "disconnected" disconnected;
        ] );
    ]
