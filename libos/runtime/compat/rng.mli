(** Random bytes, with the interface of mirage-crypto-rng 2: bytes are strings, not [Cstruct.t].

    Nothing needs to be initialised. The default generator is made at its first use: Fortuna, seeded by the
    platform's entropy, and again from time to time. *)

type g
(** A generator and its state. *)

exception Unseeded_generator
(** A generator that was never seeded was asked for bytes. *)

(** {1 Random bytes} *)

val generate : ?g:g -> int -> string
(** [generate n] is [n] random bytes. *)

val generate_into : ?g:g -> bytes -> ?off:int -> int -> unit
(** [generate_into buffer ~off n] writes [n] random bytes to [buffer] from [off] on, which is 0 unless given.

    @raise Invalid_argument if they do not fit. *)

(** {1 Generators} *)

module Entropy : sig
  type source
  (** Where entropy comes from. *)

  val register_source : string -> source
  val sources : unit -> source list
  val pp_source : Format.formatter -> source -> unit
end

module type Generator = sig
  type g
  (** The state. *)

  val block : int
  (** Bytes are made in multiples of [block]. *)

  val create : ?time:(unit -> int64) -> unit -> g
  (** [create ()] has no seed yet. *)

  val generate_into : g:g -> bytes -> off:int -> int -> unit
  (** The bounds are not checked. *)

  val reseed : g:g -> string -> unit
  (** [reseed ~g seed] makes the state depend on [seed] too. *)

  val accumulate : g:g -> Entropy.source -> [ `Acc of string -> unit ]
  (** [accumulate ~g source] feeds small amounts of entropy into [g]. *)

  val seeded : g:g -> bool
  val pools : int
end

type 'a generator = (module Generator with type g = 'a)

module Fortuna : Generator

val create : ?g:'a -> ?seed:string -> ?strict:bool -> ?time:(unit -> int64) -> 'a generator -> g
(** [create generator] is a generator of its own, with the state [g] if given, seeded by [seed] if given. [time]
    is a clock in nanoseconds, which limits how often Fortuna seeds itself from its pools. [strict] is only noted,
    for {!strict}. *)

val default_generator : unit -> g
(** [default_generator ()] is what the functions here use unless they are given another. *)

val set_default_generator : g -> unit
(** [set_default_generator g] makes [g] the default. Its seeds are then the caller's business. *)

val block : g option -> int
val reseed : ?g:g -> string -> unit
val accumulate : g option -> Entropy.source -> [ `Acc of string -> unit ]
val seeded : g option -> bool
val pools : g option -> int
val strict : g option -> bool
(** [strict g] is whether [g] was made to match published test vectors exactly. *)
