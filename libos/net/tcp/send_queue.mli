(** Data that the application wrote and the peer has not acknowledged. It is not copied. *)

type t

val create : Sequence.t -> t
(** [create start] is empty; the first byte's number will be [start]. *)

val start : t -> Sequence.t
(** [start t] is the number of the first byte that is kept. *)

val finish : t -> Sequence.t
(** [finish t] is the number behind the last byte. *)

val append : t -> Cstruct.t -> unit

val acknowledge : t -> Sequence.t -> unit
(** [acknowledge t sequence] forgets all before [sequence], which is at most {!finish}. *)

val slice : t -> Sequence.t -> int -> Cstruct.t list
(** [slice t sequence length] is the [length] bytes from [sequence] on, which are all in [t], as parts of the buffers
    that were appended. *)

val clear : t -> unit
(** [clear t] forgets all data; [start t] becomes [finish t]. *)
