(** Where things are on the device: two superblocks, then the log, which is a ring of sectors.

    A {e position} counts sectors of the log from the first that was ever written, and goes on when the log begins anew at
    the ring's start. An {e address} is a position in bytes. *)

type t = {
  sector_size : int;
  sectors : int;  (** Of the device, when it was formatted. *)
  frame_sectors : int;  (** The longest frame. *)
}

val superblocks : int
(** [superblocks] is how many sectors are before the ring: one for each copy. *)

val least_sectors : int
(** [least_sectors] is how many a device must have. *)

val least_sector_size : int
(** [least_sector_size] and [most_sector_size] are how large its sectors may be, in bytes. *)

val most_sector_size : int

val make : sector_size:int -> sectors:int -> t
(** [make ~sector_size ~sectors] suits a device that is not too small. *)

val is_sound : t -> bool
(** [is_sound t] says whether [make] could have made it. *)

val ring : t -> int
(** [ring t] is how many sectors the ring has. *)

val ring_bytes : t -> int
val frame_bytes : t -> int

val sector : t -> int -> int
(** [sector t position] is the sector of the device that has [position]. *)

val sectors_of : t -> int -> int
(** [sectors_of t bytes] is how many sectors it takes. *)

val milestone : t -> int
(** [milestone t] is how many positions are between two places that the log's tail can be moved to, at least. *)

val last_position : int
(** [last_position] is where positions end: no device lives that long. *)
