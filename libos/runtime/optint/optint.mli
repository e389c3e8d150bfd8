(** Integers of at least 32 bits: the interface of optint, for 64-bit machines, where they are {!Stdlib.int}. *)

type t [@@immediate64]

include Integer_interface.S with type t := t

(** Which of two types a type is. *)
module Conditional : sig
  type ('t, 'u, 'v) t = True : ('t, 't, _) t  (** It is ['u]. *) | False : ('t, _, 't) t  (** It is ['v]. *)
end

val is_immediate : (t, int, int32) Conditional.t

(** Integers of 63 bits. *)
module Int63 : sig
  type t [@@immediate64]

  include Integer_interface.S with type t := t

  (** The same under a type of its own. On 32-bit machines it would be boxed. *)
  module Boxed : Integer_interface.S

  val is_immediate : (t, int, Boxed.t) Conditional.t
end
