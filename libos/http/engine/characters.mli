(** Which characters may stand where in a head: RFC 9110, section 5. *)

type set

val token : set
(** Of methods and of the names of header fields. *)

val target : set
(** Of a request's target: all that prints, and what is beyond ASCII. *)

val value : set
(** Of a header field's value: also blanks and tabulators. *)

val mem : set -> char -> bool

val skip : set -> string -> int -> int -> int
(** [skip set text i stop] is the place of the first character from [i] on that is not in [set], or [stop]. [i] and [stop]
    are places in [text]. *)

val same : string -> string -> bool
(** [same lower text] is whether [text] is [lower] but for capital letters; [lower] has none. *)
