(** Checksums: the interface of checkseum.

    A checksum is computed piece by piece: each function takes that of what came before, {!S.default} at the start. *)

type bigstring = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t

module type S = sig
  type t = Optint.t

  val pp : Format.formatter -> t -> unit
  val equal : t -> t -> bool

  val default : t
  (** [default] is the checksum of nothing. *)

  val digest_bytes : Bytes.t -> int -> int -> t -> t
  (** [digest_bytes buffer offset length before] goes on from [before] with a part of [buffer].

      @raise Invalid_argument if it has no such part. *)

  val unsafe_digest_bytes : Bytes.t -> int -> int -> t -> t
  (** The same, unchecked. *)

  val digest_string : String.t -> int -> int -> t -> t
  val unsafe_digest_string : String.t -> int -> int -> t -> t
  val digest_bigstring : bigstring -> int -> int -> t -> t
  val unsafe_digest_bigstring : bigstring -> int -> int -> t -> t

  val to_int32 : t -> int32
  (** [to_int32 checksum] is its 32 bits. *)

  val of_int32 : int32 -> t
end

(** RFC 1950, section 9. *)
module Adler32 : S

(** Castagnoli's polynomial, RFC 3720, appendix B.4. *)
module Crc32c : S

(** The polynomial of Ethernet and gzip, RFC 1952, section 8. *)
module Crc32 : S

(** OpenPGP's, RFC 4880, section 6.1. *)
module Crc24 : S
