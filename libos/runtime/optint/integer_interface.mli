(** What integers of a size can do. *)

module type S = sig
  type t

  val zero : t
  val one : t
  val minus_one : t
  val max_int : t
  val min_int : t

  (** {1 Arithmetic} *)

  val neg : t -> t
  val add : t -> t -> t
  val sub : t -> t -> t
  val mul : t -> t -> t

  val div : t -> t -> t
  (** [div x y] is rounded towards zero.

      @raise Division_by_zero if [y] is zero. *)

  val rem : t -> t -> t
  (** [rem x y] is [x - y * div x y].

      @raise Division_by_zero if [y] is zero. *)

  val succ : t -> t
  val pred : t -> t
  val abs : t -> t

  (** {1 Bits} *)

  val logand : t -> t -> t
  val logor : t -> t -> t
  val logxor : t -> t -> t
  val lognot : t -> t
  val shift_left : t -> int -> t

  val shift_right : t -> int -> t
  (** [shift_right x n] keeps the sign. *)

  val shift_right_logical : t -> int -> t
  (** [shift_right_logical x n] fills with zeros. *)

  (** {1 Other integers and numbers} *)

  val of_int : int -> t
  val to_int : t -> int
  val of_int32 : int32 -> t

  val to_int32 : t -> int32
  (** [to_int32 x] is [x] in 32 bits. *)

  val of_int64 : int64 -> t
  val to_int64 : t -> int64
  val of_unsigned_int : int -> t
  val to_unsigned_int : t -> int

  val of_unsigned_int32 : int32 -> t
  (** [of_unsigned_int32 x] is not negative: the sign of [x] is a bit like others. *)

  val to_unsigned_int32 : t -> int32
  (** [to_unsigned_int32 x] has the 32 bits of [x].

      @raise Invalid_argument if [x] has more. *)

  val of_float : float -> t
  (** [of_float x] is rounded towards zero. *)

  val to_float : t -> float

  (** {1 Text} *)

  val of_string : string -> t
  (** [of_string text] reads what {!Stdlib.int_of_string} reads.

      @raise Failure if it is no number of this type. *)

  val of_string_opt : string -> t option
  val to_string : t -> string
  val pp : Format.formatter -> t -> unit

  (** {1 Order} *)

  val compare : t -> t -> int
  val equal : t -> t -> bool

  (** {1 Bytes} *)

  val encode : bytes -> off:int -> t -> unit
  (** [encode buffer ~off x] writes [x], the most significant byte first. *)

  val decode : string -> off:int -> t

  val encoded_size : int
  (** How many bytes {!encode} writes. *)

  module Infix : sig
    val ( + ) : t -> t -> t
    val ( - ) : t -> t -> t
    val ( * ) : t -> t -> t

    val ( % ) : t -> t -> t
    (** {!rem}. *)

    val ( / ) : t -> t -> t
    val ( land ) : t -> t -> t
    val ( lor ) : t -> t -> t

    val ( lsr ) : t -> int -> t
    (** {!shift_right}: it keeps the sign, as upstream's does. *)

    val ( lsl ) : t -> int -> t
    val ( && ) : t -> t -> t [@@ocaml.deprecated "Use ( land )."]
    val ( || ) : t -> t -> t [@@ocaml.deprecated "Use ( lor )."]
    val ( >> ) : t -> int -> t [@@ocaml.deprecated "Use ( lsr )."]
    val ( << ) : t -> int -> t [@@ocaml.deprecated "Use ( lsl )."]
  end
end
