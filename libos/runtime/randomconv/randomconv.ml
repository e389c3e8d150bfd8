type int8 = int
type int16 = int

let int8 generate = Char.code (generate 1).[0]
let int16 generate = String.get_uint16_le (generate 2) 0
let int32 generate = String.get_int32_le (generate 4) 0
let int64 generate = String.get_int64_le (generate 8) 0

(* The smallest 2^n - 1 that is at least [n]. *)
let rec mask_above ?(mask = 0) n = if mask >= n then mask else mask_above ~mask:((mask lsl 1) lor 1) n

let int ?(bound = max_int) generate =
  if bound <= 0 then invalid_arg "Randomconv.int: the bound must be positive";
  let mask = mask_above (bound - 1) in
  let bits () =
    if mask <= 0xff then int8 generate
    else if mask <= 0xffff then int16 generate
    else Int64.to_int (int64 generate)
  in
  (* A remainder would favour small numbers: draw again what is out of bounds. *)
  let rec draw () =
    let n = bits () land mask in
    if n < bound then n else draw ()
  in
  if bound = 1 then 0 else draw ()

let float ?(bound = 1.) generate =
  if not (bound > 0.) then invalid_arg "Randomconv.float: the bound must be positive";
  (* As many bits as the mantissa holds. *)
  let fraction = Int64.to_float (Int64.shift_right_logical (int64 generate) 11) *. 0x1p-53 in
  bound *. fraction
