(** What an image says of itself. *)

val file : string
(** [file] is ["manifest.json"]. *)

val json : Impl.Info.t -> Graph.t -> Json.t
