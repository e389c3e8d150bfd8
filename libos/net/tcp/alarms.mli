(** Who is to be woken when: a binary heap. An alarm that is put off stays where it is until its old time comes, so that
    the deadlines of a busy connection, which move with every segment, cost next to nothing. *)

type 'a alarm = {
  owner : 'a;
  mutable at : int;  (** When it rings, in nanoseconds; not after what was last set. *)
  mutable place : int;  (** In the heap; -1 if it is not there. *)
}

type 'a t

val create : unit -> 'a t

val set : 'a t -> 'a alarm -> int -> unit
(** [set t alarm time] makes [alarm] ring at [time] or before. *)

val remove : 'a t -> 'a alarm -> unit

val next : 'a t -> int
(** [next t] is when the first alarm rings; [max_int] if there is none. *)

val ringing : 'a t -> now:int -> 'a option
(** [ringing t ~now] takes out the first alarm, if it rings, and is its owner. *)
