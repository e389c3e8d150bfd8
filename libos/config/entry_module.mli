(** The entry module: what [main] is to a C program. *)

val file : string
(** [file] is ["main.ml"]. *)

val reserved_names : string list
(** The variables that the entry module uses itself. *)

val text : names:Name.scope -> Impl.Info.t -> Graph.t -> string
(** [text ~names info graph] is the OCaml source that connects the devices of [graph] and runs its jobs. *)
