(** What the peer has received beyond a gap, as its selective acknowledgements say (RFC 2018), and what is lost by them
    (RFC 6675). *)

type t

val create : unit -> t
val is_empty : t -> bool
val clear : t -> unit

val update : t -> una:Sequence.t -> (Sequence.t * Sequence.t) list -> bool
(** [update t ~una blocks] adds [blocks] and forgets what lies before [una]. It is true if [blocks] told anything new.
*)

val received : t -> before:Sequence.t -> int
(** [received t ~before] is how many bytes before [before] have been received beyond the first gap. *)

val highest : t -> una:Sequence.t -> Sequence.t
(** [highest t ~una] is behind the highest byte received, [una] if there is none beyond a gap. *)

val lost_before : t -> beyond:int -> una:Sequence.t -> Sequence.t
(** [lost_before t ~beyond ~una] is the number before which all that was not received is lost: more than [beyond] bytes
    behind it have been received. It is [una] if nothing is lost. *)

val missing : t -> from:Sequence.t -> before:Sequence.t -> int
(** [missing t ~from ~before] is how many of these bytes were not received. *)

val gap : t -> Sequence.t -> Sequence.t * Sequence.t
(** [gap t sequence] is the first number, from [sequence] on, that was not received, and the next that was, or
    [max_int]. *)
