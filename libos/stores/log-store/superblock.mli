(** The first two sectors: what the store is like, and where its log begins. Two copies, written one after the other, so
    that one is whole at any time. *)

type t = {
  layout : Layout.t;
  store : int;  (** A number that no other store is likely to have. *)
  generation : int;  (** Of two copies, the one with the higher is later. *)
  tail : int;  (** The position where the log begins. *)
  head : int;  (** A position that the log reaches for sure. *)
  chain : int;  (** The checksum of the frame before [tail]. *)
  epoch : int;  (** Of frames from [head] on, those count that have this number. *)
}

val encode : t -> Cstruct.t
(** [encode t] is a sector. *)

val decode : Cstruct.t -> (t, [ `None | `Version of int ]) result
(** [decode sector] is [Error `None] if it is no superblock, or a damaged one. *)

val could_be_torn : Layout.t -> Cstruct.t -> bool
(** [could_be_torn layout sector] says whether [sector] is what a power cut can have left of a superblock that was to be
    written over zeros. *)
