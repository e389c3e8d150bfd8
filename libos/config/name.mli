(** OCaml names for what the generator writes. *)

val of_expression : string -> string
(** [of_expression text] suits a variable: the words of [text] in lower case, joined by [_]. *)

type scope
(** The names that are taken. *)

val scope : string list -> scope
(** [scope taken] has the names [taken], and OCaml's keywords. *)

val fresh : scope -> string -> string
(** [fresh scope name] is [name], or [name] with a number if that is taken; from then on it is taken. *)
