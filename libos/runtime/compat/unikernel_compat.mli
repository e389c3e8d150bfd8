(** Libraries whose interface has changed since the versions at hand, with the interface that MirageOS 4.11 has. *)

module Mirage_crypto_rng = Rng
module Mirage_crypto_rng_mirage = Rng_mirage
