(** Hex dumps of strings. *)

val pp : Hxd.cfg -> Format.formatter -> string -> unit
(** [pp cfg ppf bytes] prints lines with break hints between them. *)
