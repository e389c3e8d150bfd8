(* Mirage_crypto_rng as MirageOS 4.11 has it, and Randomconv. *)

open Unikernel_compat
module Rng = Mirage_crypto_rng

let lengths () =
  let check n = Alcotest.(check int) (string_of_int n) n (String.length (Rng.generate n)) in
  List.iter check [ 0; 1; 15; 16; 17; 1000 ];
  Alcotest.check_raises "a negative number"
    (Invalid_argument "Mirage_crypto_rng.generate: a negative number of bytes") (fun () -> ignore (Rng.generate (-1)))

let into () =
  let buffer = Bytes.make 20 '.' in
  Rng.generate_into buffer ~off:2 16;
  Alcotest.(check string) "before" ".." (Bytes.sub_string buffer 0 2);
  Alcotest.(check string) "after" ".." (Bytes.sub_string buffer 18 2);
  let misfits (off, n) =
    match Rng.generate_into buffer ~off n with
    | () -> Alcotest.failf "%d bytes at %d" n off
    | exception Invalid_argument _ -> ()
  in
  List.iter misfits [ (0, 21); (20, 1); (-1, 1); (1, -1); (max_int, 1); (1, max_int) ]

let differs () = Alcotest.(check bool) "two draws" false (Rng.generate 16 = Rng.generate 16)

let of_seed seed = Rng.create ~seed (module Rng.Fortuna)

let reproducible () =
  let draw g = Rng.generate ~g 100 in
  Alcotest.(check bool) "of one seed" true (draw (of_seed "seed") = draw (of_seed "seed"));
  Alcotest.(check bool) "of two seeds" false (draw (of_seed "seed") = draw (of_seed "another"))

let unseeded () =
  let g = Rng.create (module Rng.Fortuna) in
  Alcotest.(check bool) "not seeded" false (Rng.seeded (Some g));
  Alcotest.check_raises "no bytes" Rng.Unseeded_generator (fun () -> ignore (Rng.generate ~g 1));
  Rng.reseed ~g "seed";
  Alcotest.(check bool) "seeded" true (Rng.seeded (Some g))

let default () =
  let g = of_seed "default" in
  Rng.set_default_generator g;
  Alcotest.(check bool) "as the twin" true (Rng.generate 10 = Rng.generate ~g:(of_seed "default") 10);
  Unikernel_os.Main.run (Mirage_crypto_rng_mirage.initialize (module Rng.Fortuna));
  Alcotest.(check bool) "another now" false (Rng.default_generator () == g)

let bounds () =
  let check bound =
    for _ = 1 to 1000 do
      let n = Randomconv.int ~bound Rng.generate in
      if n < 0 || n >= bound then Alcotest.failf "%d is not below %d" n bound
    done
  in
  List.iter check [ 1; 2; 3; 255; 256; 257; 65_536; 65_537; max_int ];
  let rejects f = match f () with _ -> Alcotest.fail "accepted" | exception Invalid_argument _ -> () in
  List.iter (fun bound -> rejects (fun () -> ignore (Randomconv.int ~bound Rng.generate))) [ 0; -1 ];
  List.iter (fun bound -> rejects (fun () -> ignore (Randomconv.float ~bound Rng.generate))) [ 0.; -1.; nan ]

let fair () =
  let counts = Array.make 3 0 in
  let g = of_seed "fair" in
  for _ = 1 to 30_000 do
    let n = Randomconv.int ~bound:3 (fun n -> Rng.generate ~g n) in
    counts.(n) <- counts.(n) + 1
  done;
  Array.iter (fun count -> Alcotest.(check bool) "a third" true (abs (count - 10_000) < 500)) counts

let floats () =
  for _ = 1 to 1000 do
    let x = Randomconv.float ~bound:2.5 Rng.generate in
    if not (x >= 0. && x < 2.5) then Alcotest.failf "%f" x
  done;
  let all_ones n = String.make n '\xff' in
  Alcotest.(check bool) "the largest is below the bound" true (Randomconv.float all_ones < 1.)

let widths () =
  let bytes n = String.init n (fun i -> Char.chr (i + 1)) in
  Alcotest.(check int) "int8" 0x01 (Randomconv.int8 bytes);
  Alcotest.(check int) "int16" 0x0201 (Randomconv.int16 bytes);
  Alcotest.(check int32) "int32" 0x04030201l (Randomconv.int32 bytes);
  Alcotest.(check int64) "int64" 0x0807060504030201L (Randomconv.int64 bytes)

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "random"
    [
      ( "bytes",
        [
          case "lengths" lengths;
          case "into a buffer" into;
          case "never the same" differs;
          case "reproducible" reproducible;
          case "unseeded" unseeded;
          case "default generator" default;
        ] );
      ( "numbers",
        [ case "bounds" bounds; case "fair" fair; case "floats" floats; case "widths" widths ] );
    ]
