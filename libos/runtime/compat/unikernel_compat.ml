module Mirage_crypto_rng = Rng
module Mirage_crypto_rng_mirage = Rng_mirage

let[@inline always] failwith message = raise (Failure message)
let[@inline always] invalid_arg message = raise (Invalid_argument message)
