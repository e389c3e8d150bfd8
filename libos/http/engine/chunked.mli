(** Bodies in chunks: RFC 9112, section 7.1. The decoder is total; in which pieces the bytes come does not matter. *)

type t
(** A body that is being read. *)

val create : Limits.t -> t

type outcome =
  | Piece of int * int  (** Place and length of bytes of the body, at least one; behind them it goes on. *)
  | Incomplete of int  (** All before this place is taken; call again with what is from there on, and more behind it. *)
  | Finished of int  (** The body, and what belongs to it, ends before this place. *)
  | Refused of Refusal.t

val decode : t -> string -> int -> outcome
(** [decode t data place] reads on in [data] from [place]. *)
