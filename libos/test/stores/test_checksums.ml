(* Checkseum: the values that its sources give, whole and in pieces of all sizes. *)

let of_string (module C : Checkseum.S) text = C.digest_string text 0 (String.length text) C.default
let bits (module C : Checkseum.S) checksum = C.to_int32 checksum
let check name expected algorithm text = Alcotest.(check int32) name expected (bits algorithm (of_string algorithm text))
let digits = "123456789"

let crc32c : (module Checkseum.S) = (module Checkseum.Crc32c)
let crc32 : (module Checkseum.S) = (module Checkseum.Crc32)
let crc24 : (module Checkseum.S) = (module Checkseum.Crc24)
let adler32 : (module Checkseum.S) = (module Checkseum.Adler32)

let known () =
  (* RFC 3720, appendix B.4 *)
  check "zeros" 0x8a9136aal crc32c (String.make 32 '\000');
  check "ones" 0x62a8ab43l crc32c (String.make 32 '\255');
  check "rising" 0x46dd794el crc32c (String.init 32 Char.chr);
  check "falling" 0x113fdb5cl crc32c (String.init 32 (fun i -> Char.chr (31 - i)));
  check "digits" 0xe3069283l crc32c digits;
  (* the check values that go with the algorithms' names *)
  check "digits" 0xcbf43926l crc32 digits;
  check "digits" 0x21cf02l crc24 digits;
  check "digits" 0x091e01del adler32 digits;
  List.iter
    (fun (((module C : Checkseum.S) as algorithm), nothing) -> check "nothing" nothing algorithm "")
    [ (crc32c, 0l); (crc32, 0l); (crc24, 0xb704cel); (adler32, 1l) ]

(* Bit by bit, as the polynomials are defined. *)
let reflected polynomial text =
  let step crc = if crc land 1 = 1 then (crc lsr 1) lxor polynomial else crc lsr 1 in
  let rec steps n crc = if n = 0 then crc else steps (n - 1) (step crc) in
  String.fold_left (fun crc char -> steps 8 (crc lxor Char.code char)) 0xffff_ffff text lxor 0xffff_ffff

let text length = String.init length (fun i -> Char.chr (((i * 131) + (i * i lsr 3)) land 255))

let defined () =
  for length = 0 to 70 do
    let text = text length in
    check "as defined" (Int32.of_int (reflected 0x82f63b78 text)) crc32c text;
    check "as defined" (Int32.of_int (reflected 0xedb88320 text)) crc32 text
  done

let pieces () =
  let text = text 20_000 in
  let bigstring = Cstruct.to_bigarray (Cstruct.of_string text) in
  let test (module C : Checkseum.S) =
    let whole = of_string (module C) text in
    let check name found = Alcotest.(check int32) name (C.to_int32 whole) (C.to_int32 found) in
    check "a bigstring" (C.digest_bigstring bigstring 0 20_000 C.default);
    for size = 1 to 40 do
      let rec go at checksum =
        if at = 20_000 then checksum
        else
          let length = min size (20_000 - at) in
          let digest = if at land 1 = 0 then C.digest_string text else C.digest_bigstring bigstring in
          go (at + length) (digest at length checksum)
      in
      check "in pieces" (go 0 C.default)
    done
  in
  List.iter test [ crc32c; crc32; crc24; adler32 ]

let bounds () =
  let refused offset length =
    match Checkseum.Crc32.(digest_string digits offset length default) with
    | _ -> Alcotest.fail "not refused"
    | exception Invalid_argument _ -> ()
  in
  refused 5 5;
  refused (-1) 2;
  refused 2 (-1);
  refused max_int 1

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "checksums"
    [ ("checksums", [ case "known" known; case "defined" defined; case "pieces" pieces; case "bounds" bounds ]) ]
