(** Paths of files, from those of URIs. *)

val normalise : Uri.t -> string
(** [normalise uri] is the path of [uri] decoded once, without empty and dot segments and without a slash at either end.
    It never leads above its root. *)

val resolve_local_file : docroot:string -> uri:Uri.t -> string
(** [resolve_local_file ~docroot ~uri] is the file below [docroot] that {!normalise} names. *)
