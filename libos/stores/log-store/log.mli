(** The log: from [tail] on, it is what the store is; at [head], the next transaction is written. *)

type t = {
  ring : Ring.t;
  store : int;
  frame : Cstruct.t;  (** Room for a frame that is being written. *)
  mutable tail : int;
  mutable tail_chain : int;  (** The checksum of the frame before [tail]. *)
  mutable head : int;
  mutable chain : int;  (** The checksum of the frame before [head]. *)
  milestones : (int * int) Queue.t;  (** Places that [tail] can be moved to, each with the checksum of the frame before. *)
  mutable last_milestone : int;
  mutable epoch : int;
  mutable begun : bool;  (** Whether there may be frames of this epoch. *)
  mutable generation : int;  (** Of the superblocks. *)
  mutable copy : int;  (** The superblock that is on the medium for sure: 0 or 1. *)
}

val make : Ring.t -> Superblock.t -> copy:int -> t
(** [make ring superblock ~copy] is a log that ends where it begins. *)

val start : t -> (unit, Device.error) result Lwt.t
(** [start t] has to come before anything is written: when it is resolved, nothing that is at the head of [t] counts, or
    behind. What a power cut has left there could otherwise be completed by what is written over it. *)

val free : t -> int
(** [free t] is how many sectors can be written. *)

val is_milestone : t -> last:int -> int -> bool
(** [is_milestone t ~last position] says whether [position], where a frame ends, is far enough from [last]. *)

val append : t -> position:int -> chain:int -> milestones:(int * int) list -> unit
(** [append t ~position ~chain ~milestones] says that [t] now reaches to [position]. *)

val cut : t -> int * int -> (unit, Device.error) result Lwt.t
(** [cut t milestone] gives up what is before the milestone. When it is resolved, that is on the medium, and the sectors can
    be written. All that is behind the milestone has to be on the medium before. *)
