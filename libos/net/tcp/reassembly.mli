(** Data that came before what precedes it. *)

type t

val create : unit -> t

val is_empty : t -> bool

val bytes : t -> int
(** [bytes t] is how much [t] holds. *)

val insert : t -> Sequence.t -> Cstruct.t -> unit
(** [insert t sequence data] keeps what [t] does not have yet of [data], which begins at [sequence]. *)

val take : t -> Sequence.t -> (Cstruct.t -> unit) -> Sequence.t
(** [take t next deliver] delivers, in order, what follows [next] without a gap, forgets what lies before, and is the
    new [next]. *)

val blocks : t -> int -> (Sequence.t * Sequence.t) list
(** [blocks t most] is at most [most] runs without a gap, each with its first number and that behind its last, the run
    that grew last being the first (RFC 2018, section 4). *)

val clear : t -> unit
