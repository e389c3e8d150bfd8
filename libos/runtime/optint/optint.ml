module Conditional = struct
  type ('t, 'u, 'v) t = True : ('t, 't, _) t | False : ('t, _, 't) t
end

let least_32 = Int32.to_int Int32.min_int
let most_32 = Int32.to_int Int32.max_int
let most_unsigned_32 = (2 * most_32) + 1

(* What is the same for all that are an [int] underneath. *)
module Native = struct
  type t = int

  let zero = 0
  let one = 1
  let minus_one = -1
  let neg = Int.neg
  let add = Int.add
  let sub = Int.sub
  let mul = Int.mul
  let div = Int.div
  let rem = Int.rem
  let succ = Int.succ
  let pred = Int.pred
  let abs = Int.abs
  let logand = Int.logand
  let logor = Int.logor
  let logxor = Int.logxor
  let lognot = Int.lognot
  let shift_left = Int.shift_left
  let shift_right = Int.shift_right
  let shift_right_logical = Int.shift_right_logical

  external of_int : int -> t = "%identity"
  external to_int : t -> int = "%identity"
  external of_unsigned_int : int -> t = "%identity"
  external to_unsigned_int : t -> int = "%identity"

  let of_int32 = Int32.to_int
  let of_int64 = Int64.to_int
  let to_int64 = Int64.of_int
  let of_unsigned_int32 x = Int32.to_int x land most_unsigned_32

  let to_unsigned_int32 x =
    if x < 0 || x > most_unsigned_32 then invalid_arg (string_of_int x ^ " has more than 32 bits");
    Int32.of_int x

  let of_float = int_of_float
  let to_float = float_of_int
  let to_string = string_of_int
  let pp = Format.pp_print_int
  let compare = Int.compare
  let equal = Int.equal

  module Infix = struct
    let ( + ) = add
    let ( - ) = sub
    let ( * ) = mul
    let ( % ) = rem
    let ( / ) = div
    let ( land ) = logand
    let ( lor ) = logor
    let ( lsr ) = shift_right
    let ( lsl ) = shift_left
    let ( && ) = logand
    let ( || ) = logor
    let ( >> ) = shift_right
    let ( << ) = shift_left
  end
end

include Native

let max_int = most_32
let min_int = least_32

let to_int32 x =
  if x < least_32 || x > most_unsigned_32 then invalid_arg (string_of_int x ^ " has more than 32 bits");
  Int32.of_int x

let of_string = int_of_string
let of_string_opt = int_of_string_opt
let encoded_size = 4
let encode buffer ~off x = Bytes.set_int32_be buffer off (to_int32 x)
let decode text ~off = of_int32 (String.get_int32_be text off)
let is_immediate : (t, int, int32) Conditional.t = True

(* As many bits as an [int] has. *)
module Whole = struct
  include Native

  let max_int = Stdlib.max_int
  let min_int = Stdlib.min_int
  let to_int32 = Int32.of_int
  let of_string = int_of_string
  let of_string_opt = int_of_string_opt
  let encoded_size = 8
  let encode buffer ~off x = Bytes.set_int64_be buffer off (to_int64 x)
  let decode text ~off = of_int64 (String.get_int64_be text off)
end

module Int63 = struct
  include Whole
  module Boxed = Whole

  let is_immediate : (t, int, Boxed.t) Conditional.t = True
end
