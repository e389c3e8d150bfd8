(* Ramdisk, and Mirage_block's words. *)

let run promise = match Lwt.state promise with Lwt.Return value -> value | _ -> Alcotest.fail "not at once"
let read_result = Alcotest.(result unit (testable Ramdisk.pp_error ( = )))
let write_result = Alcotest.(result unit (testable Ramdisk.pp_write_error ( = )))
let check_read name expected promise = Alcotest.check read_result name expected (run promise)
let check_write name expected promise = Alcotest.check write_result name expected (run promise)

let made name = match run (Ramdisk.create ~name ~size_sectors:10L ~sector_size:16) with Ok t -> t | Error (`Msg m) -> Alcotest.fail m

let contents () =
  let t = made "contents" in
  check_write "write" (Ok ()) (Ramdisk.write t 3L [ Cstruct.of_string (String.make 32 'a'); Cstruct.of_string (String.make 16 'b') ]);
  let back = Cstruct.create 64 in
  Cstruct.memset back 1;
  check_read "read" (Ok ()) (Ramdisk.read t 3L [ back ]);
  let expected = String.make 32 'a' ^ String.make 16 'b' ^ String.make 16 '\000' in
  Alcotest.(check string) "zero where nothing was written" expected (Cstruct.to_string back)

let copied () =
  let t = made "copied" in
  let buffer = Cstruct.of_string (String.make 16 'x') in
  check_write "write" (Ok ()) (Ramdisk.write t 0L [ buffer ]);
  Cstruct.memset buffer 0;
  let back = Cstruct.create 16 in
  check_read "read" (Ok ()) (Ramdisk.read t 0L [ back ]);
  Alcotest.(check string) "as it was" (String.make 16 'x') (Cstruct.to_string back)

let limits () =
  let t = made "limits" in
  check_write "past the end" (Error (`Out_of_range 9L)) (Ramdisk.write t 9L [ Cstruct.create 32 ]);
  check_read "below the start" (Error (`Out_of_range (-1L))) (Ramdisk.read t (-1L) [ Cstruct.create 16 ]);
  check_read "far out" (Error (`Out_of_range Int64.max_int)) (Ramdisk.read t Int64.max_int [ Cstruct.create 16 ]);
  check_write "unaligned" (Error (`Unaligned_buffer 15)) (Ramdisk.write t 0L [ Cstruct.create 15 ]);
  check_write "the last" (Ok ()) (Ramdisk.write t 9L [ Cstruct.create 16 ]);
  check_read "none at the end" (Ok ()) (Ramdisk.read t 10L [])

let life () =
  let t = run (Ramdisk.connect ~name:"life") in
  Alcotest.(check int64) "as upstream's" 65_536L (run (Ramdisk.get_info t)).size_sectors;
  check_write "write" (Ok ()) (Ramdisk.write t 0L [ Cstruct.of_string (String.make 512 'k') ]);
  run (Ramdisk.disconnect t);
  check_read "disconnected" (Error `Disconnected) (Ramdisk.read t 0L []);
  let first name =
    let back = Cstruct.create 512 in
    check_read "read" (Ok ()) (Ramdisk.read (run (Ramdisk.connect ~name)) 0L [ back ]);
    Cstruct.get_char back 0
  in
  Alcotest.(check char) "kept under its name" 'k' (first "life");
  Ramdisk.destroy ~name:"life";
  Alcotest.(check char) "gone" '\000' (first "life")

let words () =
  let info = { Mirage_block.read_write = false; sector_size = 512; size_sectors = 4L } in
  Alcotest.(check string) "info" "4 sectors of 512 bytes, read-only" (Fmt.str "%a" Mirage_block.pp_info info);
  Alcotest.(check string) "error" "the device is read-only" (Fmt.str "%a" Mirage_block.pp_write_error `Is_read_only)

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "ramdisk"
    [ ("ramdisk", [ case "contents" contents; case "copied" copied; case "limits" limits; case "life" life; case "words" words ]) ]
