(** Connections whose peer has not answered yet. Who floods a host with SYNs fills this table, and pushes out his own:
    each that comes when it is full takes the place of a random one. *)

type 'a slot
(** The place of one. *)

type 'a t

val create : most:int -> 'a t
val add : 'a t -> random:(int -> int) -> 'a -> 'a slot * 'a option
(** [add t ~random x] adds [x]; where [t] was full, it is the one that had to leave, too. [random n] is below [n], and
    only asked for then. *)

val remove : 'a t -> 'a slot -> unit
(** [remove t slot] does nothing if its owner had to leave before. *)
