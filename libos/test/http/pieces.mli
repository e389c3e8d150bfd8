(** Bytes in pieces, and random bytes that are nearly what they should be. *)

val cut : int list -> string -> string list
(** [cut sizes text] is [text] in pieces of those sizes, over and over; no piece is empty. *)

val sizes : int list QCheck.arbitrary
val broken_gen : string QCheck.Gen.t -> string QCheck.Gen.t

val request : string QCheck.arbitrary
(** Requests with bodies, and sometimes another request behind. *)

val broken_request : string QCheck.arbitrary
(** The same, changed in up to three places. *)

val noise : string QCheck.arbitrary
