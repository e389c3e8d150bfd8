(* Optint, at the limits of its sizes. *)

module Int63 = Optint.Int63

let refuses name f =
  match f () with _ -> Alcotest.fail (name ^ ": not refused") | exception (Invalid_argument _ | Failure _) -> ()

let narrow () =
  let of_unsigned x = Optint.to_int (Optint.of_unsigned_int32 x) in
  Alcotest.(check int) "the sign is a bit" 0xffff_fffe (of_unsigned (-2l));
  Alcotest.(check int) "negative" (-2) (Optint.to_int (Optint.of_int32 (-2l)));
  let back x = Optint.to_unsigned_int32 (Optint.of_int x) in
  Alcotest.(check int32) "all bits" (-1l) (back 0xffff_ffff);
  refuses "too large" (fun () -> back 0x1_0000_0000);
  refuses "negative" (fun () -> back (-1));
  Alcotest.(check int32) "signed" Int32.min_int (Optint.to_int32 Optint.min_int);
  Alcotest.(check int) "towards zero" (-3) (Optint.to_int (Optint.div (Optint.of_int (-7)) (Optint.of_int 2)))

let wide () =
  Alcotest.(check int64) "63 bits" 0x3fff_ffff_ffff_ffffL (Int63.to_int64 Int63.max_int);
  Alcotest.(check string) "text" "-5" (Fmt.str "%a" Int63.pp (Int63.of_string "-5"));
  refuses "no number" (fun () -> Int63.of_string "five");
  Alcotest.(check bool) "optional" true (Int63.of_string_opt "five" = None)

let bytes () =
  let buffer = Bytes.make 14 '.' in
  Optint.encode buffer ~off:1 (Optint.of_int (-2));
  Int63.encode buffer ~off:5 (Int63.of_int 0x0102_0304_0506);
  Alcotest.(check string) "first the most significant" ".\255\255\255\254\000\000\001\002\003\004\005\006." (Bytes.to_string buffer);
  Alcotest.(check int) "and back" (-2) (Optint.to_int (Optint.decode (Bytes.to_string buffer) ~off:1));
  Alcotest.(check int) "and back" 0x0102_0304_0506 (Int63.to_int (Int63.decode (Bytes.to_string buffer) ~off:5))

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "optint" [ ("optint", [ case "32 bits" narrow; case "63 bits" wide; case "bytes" bytes ]) ]
