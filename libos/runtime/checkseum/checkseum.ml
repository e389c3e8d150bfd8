type bigstring = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t

module type S = sig
  type t = Optint.t

  val pp : Format.formatter -> t -> unit
  val equal : t -> t -> bool
  val default : t
  val digest_bytes : Bytes.t -> int -> int -> t -> t
  val unsafe_digest_bytes : Bytes.t -> int -> int -> t -> t
  val digest_string : String.t -> int -> int -> t -> t
  val unsafe_digest_string : String.t -> int -> int -> t -> t
  val digest_bigstring : bigstring -> int -> int -> t -> t
  val unsafe_digest_bigstring : bigstring -> int -> int -> t -> t
  val to_int32 : t -> int32
  val of_int32 : int32 -> t
end

module type Algorithm = sig
  val default : int
  val of_bytes : int -> Bytes.t -> int -> int -> int
  val of_bigstring : int -> bigstring -> int -> int -> int
end

module Make (Algorithm : Algorithm) = struct
  type t = Optint.t

  let pp = Optint.pp
  let equal = Optint.equal
  let default = Optint.of_unsigned_int Algorithm.default

  let from before f buffer offset length =
    Optint.of_unsigned_int (f (Optint.to_unsigned_int before) buffer offset length)

  let unsafe_digest_bytes buffer offset length before = from before Algorithm.of_bytes buffer offset length

  let unsafe_digest_string text offset length before =
    unsafe_digest_bytes (Bytes.unsafe_of_string text) offset length before

  let unsafe_digest_bigstring buffer offset length before = from before Algorithm.of_bigstring buffer offset length

  let check offset length size =
    if offset < 0 || length < 0 || offset > size - length then invalid_arg "Checkseum: a part that is not there"

  let digest_bytes buffer offset length before =
    check offset length (Bytes.length buffer);
    unsafe_digest_bytes buffer offset length before

  let digest_string text offset length before =
    check offset length (String.length text);
    unsafe_digest_string text offset length before

  let digest_bigstring buffer offset length before =
    check offset length (Bigarray.Array1.dim buffer);
    unsafe_digest_bigstring buffer offset length before

  let to_int32 = Optint.to_unsigned_int32
  let of_int32 = Optint.of_unsigned_int32
end

module Adler32 = Make (struct
  let default = 1

  external of_bytes : int -> Bytes.t -> int -> int -> int = "unikernel_adler32_bytes" [@@noalloc]
  external of_bigstring : int -> bigstring -> int -> int -> int = "unikernel_adler32_bigstring" [@@noalloc]
end)

module Crc32c = Make (struct
  let default = 0

  external of_bytes : int -> Bytes.t -> int -> int -> int = "unikernel_crc32c_bytes" [@@noalloc]
  external of_bigstring : int -> bigstring -> int -> int -> int = "unikernel_crc32c_bigstring" [@@noalloc]
end)

module Crc32 = Make (struct
  let default = 0

  external of_bytes : int -> Bytes.t -> int -> int -> int = "unikernel_crc32_bytes" [@@noalloc]
  external of_bigstring : int -> bigstring -> int -> int -> int = "unikernel_crc32_bigstring" [@@noalloc]
end)

module Crc24 = Make (struct
  let default = 0xb704ce

  external of_bytes : int -> Bytes.t -> int -> int -> int = "unikernel_crc24_bytes" [@@noalloc]
  external of_bigstring : int -> bigstring -> int -> int -> int = "unikernel_crc24_bigstring" [@@noalloc]
end)
