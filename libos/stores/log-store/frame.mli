(** Frames: what the log is written in. One begins at a sector, and has a header, then data, then records.

    A {e transaction} is one or more frames, of which all count or none. *)

type t = {
  position : int;
  sectors : int;
  first : int;  (** The position of its transaction's first frame. *)
  last : bool;  (** Whether it is its transaction's last. *)
  epoch : int;  (** One more each time that the store is connected and written. *)
  chain : int;  (** The checksum of the frame before. *)
  data : int;  (** How many bytes of data it has. *)
  records : int;  (** How many bytes of records. *)
}

val header_size : int

val seal : store:int -> t -> Cstruct.t -> int
(** [seal ~store t frame] writes the header of a frame whose records are in place, and is its checksum. *)

val unseal : store:int -> Layout.t -> position:int -> Cstruct.t -> t option
(** [unseal ~store layout ~position header] reads a header that claims to be at [position]; its checksum is not looked at
    yet. *)

val checksum : header:Cstruct.t -> records:Cstruct.t -> int option
(** [checksum ~header ~records] is the checksum of a frame, or [None] if it is not the one that is written there. It is one
    of header and records; data have their own in the records. *)
