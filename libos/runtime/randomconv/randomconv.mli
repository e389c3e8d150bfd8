(** Random numbers from random bytes.

    Each function takes a generator: a function from a number of bytes to that many random bytes, as
    [Mirage_crypto_rng.generate]. *)

type int8 = int
type int16 = int

val int8 : (int -> string) -> int8
(** [int8 generate] is between 0 and 255. *)

val int16 : (int -> string) -> int16
(** [int16 generate] is between 0 and 65535. *)

val int32 : (int -> string) -> int32
(** [int32 generate] is any 32-bit integer. *)

val int64 : (int -> string) -> int64
(** [int64 generate] is any 64-bit integer. *)

val int : ?bound:int -> (int -> string) -> int
(** [int ~bound generate] is at least 0 and less than [bound], which is [max_int] unless given. All are equally
    likely.

    @raise Invalid_argument if [bound] is not positive. *)

val float : ?bound:float -> (int -> string) -> float
(** [float ~bound generate] is at least 0 and less than [bound], which is 1 unless given.

    @raise Invalid_argument if [bound] is not positive. *)
