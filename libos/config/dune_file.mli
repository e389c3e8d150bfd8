(** How dune builds an image. *)

val file : string
(** [file] is ["dune"]. *)

val target_library : Key.mode -> string
(** [target_library target] is the package that makes an image for [target]: its libraries, and its
    [link-flags.sexp]. *)

val text : Impl.Info.t -> Graph.t -> string
(** [text info graph] builds [main.exe] from all modules of the folder but [config.ml]. *)
