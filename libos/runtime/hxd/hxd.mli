(** Hex dumps: of the interface of hxd, what prints as the program [xxd] does, without colours. *)

type cfg

val default : cfg
(** [default] has 16 bytes to a line, in groups of two, in lower case. *)

val lines : cfg -> string -> string list
(** [lines cfg bytes] is one text for each line: where it begins, the bytes, and what of them is printable. It is not in
    upstream's interface. *)
