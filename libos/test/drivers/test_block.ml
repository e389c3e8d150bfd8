(* Block over files, as the target unix has it. *)

open Lwt.Infix

let run promise =
  let result = ref None in
  Unikernel_os.Main.run (promise >|= fun value -> result := Some value);
  Option.get !result

let sector = 512
let places = ref (-1)

(* A device with a file of its own. *)
let device ?(sectors = 64) ?(extra = 0) ?(writable = true) () =
  let path = Filename.temp_file "disk" ".img" in
  at_exit (fun () -> Sys.remove path);
  let file = Unix.openfile path [ O_WRONLY ] 0 in
  Unix.ftruncate file ((sectors * sector) + extra);
  Unix.close file;
  if not writable then Unix.chmod path 0o444;
  incr places;
  (run (Block.connect ~place:!places path), path)

let contents path =
  let channel = open_in_bin path in
  Fun.protect ~finally:(fun () -> close_in channel) (fun () -> really_input_string channel (in_channel_length channel))

let pattern seed length = Cstruct.of_string (String.init length (fun i -> Char.chr ((seed + i + (i / sector)) land 255)))
let read_error = Alcotest.testable Block.pp_error ( = )
let write_error = Alcotest.testable Block.pp_write_error ( = )
let read_result = Alcotest.(result unit read_error)
let write_result = Alcotest.(result unit write_error)
let check_read name expected promise = Alcotest.check read_result name expected (run promise)
let check_write name expected promise = Alcotest.check write_result name expected (run promise)

let info () =
  let t, _ = device ~sectors:20 ~extra:100 () in
  let { Mirage_block.read_write; sector_size; size_sectors } = run (Block.get_info t) in
  Alcotest.(check bool) "read-write" true read_write;
  Alcotest.(check int) "sector's size" 512 sector_size;
  Alcotest.(check int64) "whole sectors" 20L size_sectors

let written_is_read () =
  let t, path = device () in
  let data = pattern 7 (3 * sector) in
  check_write "write" (Ok ()) (Block.write t 5L [ data ]);
  Alcotest.(check string) "in the file" (Cstruct.to_string data) (String.sub (contents path) (5 * sector) (3 * sector));
  let back = Cstruct.create (3 * sector) in
  check_read "read" (Ok ()) (Block.read t 5L [ back ]);
  Alcotest.(check string) "the same" (Cstruct.to_string data) (Cstruct.to_string back)

(* Buffers of any number and place in memory become one run of sectors. *)
let scattered () =
  let t, path = device ~sectors:1024 () in
  let whole = pattern 3 (1024 * sector) in
  let pieces = List.init 1024 (fun i -> Cstruct.append (Cstruct.sub whole (i * sector) sector) Cstruct.empty) in
  check_write "1024 buffers apart" (Ok ()) (Block.write t 0L pieces);
  Alcotest.(check bool) "in order" true (String.equal (Cstruct.to_string whole) (contents path));
  let back = Cstruct.create (1024 * sector) in
  let parts = [ Cstruct.sub back 0 512; Cstruct.sub back 512 0; Cstruct.sub back 512 1024; Cstruct.shift back 1536 ] in
  check_read "neighbours and an empty one" (Ok ()) (Block.read t 0L parts);
  Alcotest.(check bool) "the same" true (Cstruct.equal whole back)

(* Parts of one buffer, with gaps and not in order: nothing between them is moved. *)
let gaps () =
  let t, path = device () in
  let whole = pattern 5 (8 * sector) in
  let part i = Cstruct.sub whole (i * sector) sector in
  check_write "write" (Ok ()) (Block.write t 0L [ part 0; part 2; part 3; part 6; part 1 ]);
  let expected = Cstruct.to_string (Cstruct.concat [ part 0; part 2; part 3; part 6; part 1 ]) in
  Alcotest.(check bool) "one behind the other" true (String.equal expected (String.sub (contents path) 0 (5 * sector)));
  Alcotest.(check char) "and no more" '\000' (contents path).[5 * sector];
  let back = Cstruct.create (4 * sector) in
  check_read "read" (Ok ()) (Block.read t 1L [ Cstruct.sub back sector sector; Cstruct.sub back (3 * sector) sector ]);
  let there i = Cstruct.sub back (i * sector) sector in
  Alcotest.(check bool) "each in its part" true (Cstruct.equal (there 1) (part 2) && Cstruct.equal (there 3) (part 3));
  Alcotest.(check bool) "the gaps as they were" true (Cstruct.for_all (( = ) '\000') (Cstruct.append (there 0) (there 2)))

(* More than one request's worth at a time. *)
let large () =
  let sectors = 24 * 1024 in
  let t, path = device ~sectors () in
  let data = pattern 1 (sectors * sector) in
  check_write "12 MiB" (Ok ()) (Block.write t 0L [ data ]);
  Alcotest.(check bool) "all there" true (String.equal (Cstruct.to_string data) (contents path));
  let back = Cstruct.create (sectors * sector) in
  check_read "read" (Ok ()) (Block.read t 0L [ back ]);
  Alcotest.(check bool) "the same" true (Cstruct.equal data back)

let many_at_once () =
  let t, _ = device ~sectors:1000 () in
  let write i = Block.write t (Int64.of_int i) [ pattern i sector ] in
  let results = run (Lwt.all (List.init 1000 write)) in
  Alcotest.(check (list write_result)) "all written" (List.init 1000 (fun _ -> Ok ())) results;
  let back = Cstruct.create (1000 * sector) in
  check_read "read" (Ok ()) (Block.read t 0L [ back ]);
  for i = 0 to 999 do
    let found = Cstruct.to_string back ~off:(i * sector) ~len:sector in
    Alcotest.(check bool) "each in its place" true (String.equal (Cstruct.to_string (pattern i sector)) found)
  done

let nothing () =
  let t, _ = device () in
  check_read "no buffers" (Ok ()) (Block.read t 0L []);
  check_write "empty buffers" (Ok ()) (Block.write t 63L [ Cstruct.empty; Cstruct.empty ]);
  check_read "at the end" (Ok ()) (Block.read t 64L [])

let unaligned () =
  let t, _ = device () in
  let wrong = [ Cstruct.create sector; Cstruct.create 100 ] in
  check_read "read" (Error (`Unaligned_buffer 100)) (Block.read t 0L wrong);
  check_write "write" (Error (`Unaligned_buffer 100)) (Block.write t 0L wrong)

let past_the_end () =
  let t, path = device () in
  let buffer count = [ Cstruct.create (count * sector) ] in
  let outside first count =
    check_read "read" (Error (`Out_of_range (first, Int64.of_int count))) (Block.read t first (buffer count));
    check_write "write" (Error (`Out_of_range (first, Int64.of_int count))) (Block.write t first (buffer count))
  in
  outside 64L 1;
  outside 63L 2;
  outside 0L 65;
  outside (-1L) 1;
  outside Int64.max_int 1;
  outside Int64.min_int 0;
  check_write "the last" (Ok ()) (Block.write t 63L (buffer 1));
  Alcotest.(check int) "no longer than before" (64 * sector) (String.length (contents path))

let read_only () =
  if Unix.geteuid () = 0 then ( (* root may write everything *) )
  else begin
    let t, _ = device ~writable:false () in
    Alcotest.(check bool) "said" false (run (Block.get_info t)).read_write;
    check_write "write" (Error `Is_read_only) (Block.write t 0L [ Cstruct.create sector ]);
    check_write "flush" (Ok ()) (Block.flush t);
    check_read "read" (Ok ()) (Block.read t 0L [ Cstruct.create sector ])
  end

let failing_disk () =
  let t, path = device () in
  Unix.truncate path (10 * sector);
  check_read "gone" (Error (`Failed 20L)) (Block.read t 20L [ Cstruct.create sector ]);
  check_read "there" (Ok ()) (Block.read t 9L [ Cstruct.create sector ])

let disconnected () =
  let t, path = device () in
  let last = Block.write t 0L [ pattern 9 sector ] in
  run (Block.disconnect t);
  Alcotest.(check bool) "what was begun is done" true (Lwt.state last = Return (Ok ()));
  check_read "read" (Error `Disconnected) (Block.read t 0L [ Cstruct.create sector ]);
  check_write "write" (Error `Disconnected) (Block.write t 0L [ Cstruct.create sector ]);
  check_write "flush" (Error `Disconnected) (Block.flush t);
  let again = run (Block.connect ~place:!places path) in
  check_read "again" (Ok ()) (Block.read again 0L [ Cstruct.create sector ])

let missing () =
  incr places;
  match run (Lwt.catch (fun () -> Block.connect ~place:!places "/nowhere/disk.img" >|= fun _ -> "") (function
    | Failure reason -> Lwt.return reason
    | exn -> raise exn)) with
  | "" -> Alcotest.fail "connected to nothing"
  | reason ->
      Alcotest.(check string)
        "says so" "The block device \"/nowhere/disk.img\" cannot be used: No such file or directory." reason

let flushed () =
  let t, _ = device () in
  check_write "flush" (Ok ()) (Block.write t 0L [ pattern 2 sector ] >>= fun _ -> Block.flush t)

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "block"
    [
      ( "sectors",
        [
          case "what it is like" info;
          case "what is written is read" written_is_read;
          case "scattered buffers" scattered;
          case "parts of one buffer" gaps;
          case "large buffers" large;
          case "many at once" many_at_once;
          case "nothing at all" nothing;
          case "flush" flushed;
        ] );
      ( "errors",
        [
          case "unaligned buffers" unaligned;
          case "past the end" past_the_end;
          case "read-only" read_only;
          case "a disk that fails" failing_disk;
          case "after disconnect" disconnected;
          case "no such disk" missing;
        ] );
    ]
