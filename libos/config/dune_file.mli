(** How dune builds an image. *)

val file : string
(** [file] is ["dune"]. *)

val target_library : Key.mode -> string
(** [target_library target] is the package that makes an image for [target]: its libraries, and its
    [link-flags.sexp]. *)

val text : Impl.Info.t -> folder:string -> Graph.t -> string
(** [text info ~folder graph] builds [main.exe] from all modules of [folder] but [config.ml], and from the files that
    [graph] names. *)
