module Mirage_crypto_rng = Rng
module Mirage_crypto_rng_mirage = Rng_mirage
