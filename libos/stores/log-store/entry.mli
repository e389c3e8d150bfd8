(** What is kept in memory of each value. *)

type content =
  | Pending  (** It is not in the log yet. *)
  | Whole of { address : int; crc : int }  (** In one part. *)
  | Parts of Record.extent array

type t = {
  size : int;
  days : int;
  ps : int;
  position : int;  (** Of the frame that has its record. *)
  content : content;
}

val make : time:Record.time -> position:int -> Record.extent array -> t

val pending : time:Record.time -> int -> t
(** [pending ~time size] is a value that will be written. *)

val time : t -> Record.time

val extents : t -> Record.extent array
(** [extents t] is where the value is; of one that is [Pending], nothing. *)

val is_before : int -> sector_size:int -> t -> bool
(** [is_before position ~sector_size t] says whether anything of [t] is in the log before [position]. *)
