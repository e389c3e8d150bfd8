(** Changes, before they are in the log. *)

type part =
  | Kept of Record.extent  (** It is in the log already. *)
  | New of { length : int; crc : int option; fill : offset:int -> Cstruct.t -> (unit, Device.error) result Lwt.t }
      (** [fill ~offset buffer] fills [buffer] with the part's bytes from [offset] on. [crc] is their checksum, where it
          is known. *)

type t =
  | Put of { path : string; time : Record.time; parts : part list }
  | Remove of string  (** The value at a path, and all values below. *)

val text : string -> part
val zeros : int -> part

val moved : Window.t -> Record.extent -> part
(** [moved window extent] is the bytes of [extent] in another place. They are not checked, but keep their checksum. *)

val most_inline : Layout.t -> string -> int
(** [most_inline layout path] is how long a value can be that has one record. *)

val most_in_chunk : Layout.t -> int
(** [most_in_chunk layout] is how long the parts are that other values consist of. *)

val fits : Layout.t -> string -> part list -> bool
(** [fits layout path parts] says whether a value can have so many parts. *)

val bytes : Layout.t -> t -> int
(** [bytes layout edit] is how many bytes it adds to the log. *)

val sectors : Layout.t -> int -> int
(** [sectors layout bytes] is how many sectors edits of so many bytes can take at most, in one transaction. *)
