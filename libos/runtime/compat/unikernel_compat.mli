(** What every module of an image sees first: it is compiled with this module opened. *)

(** {1 Interfaces}

    Libraries whose interface has changed since the versions at hand, with the interface that MirageOS 4.11 has. *)

module Mirage_crypto_rng = Rng
module Mirage_crypto_rng_mirage = Rng_mirage

(** {1 Exceptions}

    {!Stdlib}'s functions, inlined: a call in tail position, as in [let start () = failwith "no"], would else be
    missing from the backtrace, and with it the line that the student looks for. *)

val failwith : string -> 'a
val invalid_arg : string -> 'a
