(** The lives of a store: each ends when its power is cut. *)

type t

val make : seed:int -> sectors:int -> t
(** [make ~seed ~sectors] is an empty disk. *)

type plan = {
  cut : [ `At of int | `At_head of int * int ];  (** See {!Model_disk.cut_after} and {!Model_disk.cut_at_head}. *)
  bursts : int;  (** How many times operations are asked for. *)
  together : int;  (** How many at a time, at most. *)
  sizes : Model.sizes;
  tight : bool;  (** Whether the store may run out of space. *)
  failures : bool;  (** Whether the disk fails now and then. *)
}

val live : t -> plan -> unit
(** [live t plan] connects, checks that the store has what it must have after the life before, and uses it until its power
    is cut, or all is done; then its power is cut too.

    @raise Failure
      if it has lost what was acknowledged, has a wrong value, answers what it should not, or is not recovered. *)

val finish : t -> unit
(** [finish t] connects and checks once more. *)

val operations : t -> int
(** [operations t] is how many writes and flushes the disk had to do in the last life. *)

val was_cutting : t -> bool
(** [was_cutting t] says whether the last life ended between the two copies of a superblock: in compaction. *)
