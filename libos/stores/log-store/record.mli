(** What the log consists of. *)

type time = { days : int; ps : int }
(** Days since 1970-01-01, and picoseconds of the day. *)

val time : Ptime.t -> time
val ptime : time -> Ptime.t

type extent = { address : int; length : int; crc : int }
(** A part of a value: where it is, how many bytes, and their checksum. *)

type t =
  | Value of { path : string; time : time; size : int; crc : int }  (** A whole value, which is among the frame's data. *)
  | Chunk of { size : int; crc : int }  (** A part of a value, which is among the frame's data. *)
  | Extents of { path : string; time : time; extents : extent array }  (** A value that is in parts elsewhere. *)
  | Remove of { path : string }  (** The value at [path] is gone, and all values below: below [""], all. *)

val longest_path : int
(** [longest_path] is how many bytes a path may have. *)

val value_size : string -> int
(** [value_size path] is how many bytes the record [Value] takes, without the value. *)

val chunk_size : int

val extents_size : string -> int -> int
(** [extents_size path count] is how many bytes the record [Extents] takes. *)

val size : t -> int
(** [size t] is how many bytes it takes. *)

val data : t -> int
(** [data t] is how many bytes it has among the frame's data. *)

val encode : t list -> Cstruct.t -> unit
(** [encode records buffer] fills the start of [buffer]. *)

val decode : Cstruct.t -> t list option
(** [decode buffer] is [None] if [buffer] does not consist of records. *)
