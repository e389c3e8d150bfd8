(** What dune has to know to make the files of a folder part of an image. *)

val package : string
(** [package] has the program that does it. *)

val text : folder:string -> (string * string) list -> string
(** [text ~folder modules] makes each of [modules] from the files of the folder beside it, which is in [folder].

    @raise Refusal.Refused if there is no such folder, or it is not inside [folder]. *)
