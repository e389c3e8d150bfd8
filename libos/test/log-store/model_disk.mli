(** A block device in memory, which can do what a real one does when its power is cut: of each sector that was written since
    the last flush, any of the versions may be there afterwards, or parts of two. *)

include Flushed_block.S

val create : ?sector_size:int -> int -> t
(** [create sectors] is all zero. *)

val copy : t -> t
(** [copy t] has on its medium what is on that of [t]. *)

val cut_after : t -> int -> unit
(** [cut_after t n] cuts the power in the middle of the write or flush after [n] more. From then on nothing is answered. *)

val cut_at_head : t -> int -> int -> unit
(** [cut_at_head t n m] waits for the write to the first two sectors after [n] more, and then cuts the power as
    [cut_after t m]: with 0, in that write. *)

val cut : t -> unit
val is_cut : t -> bool

val restart : t -> Random.State.t -> t
(** [restart t random] is a device with what is on the medium of [t] after its power was cut. *)

val slow_reads : t -> Random.State.t -> unit
(** [slow_reads t random] makes some reads take so long that much is written meanwhile. *)

val open_sectors : t -> int list
(** [open_sectors t] is those that were written since the last flush. *)

val restart_with : t -> (int -> [ `Lost | `First | `Last ]) -> t
(** [restart_with t choose] is the same, where [choose] says what has arrived of an open sector: nothing, what was written
    first since the flush, or last. *)

val fail_at : t -> int -> unit
(** [fail_at t n] makes the write or flush after [n] more fail, though part of it may have been done. *)

val operations : t -> int
(** [operations t] is how many writes and flushes were asked for. *)

(** {1 The medium} *)

val size : t -> int
val get : t -> int -> char
val set : t -> int -> char -> unit
(** The byte at an offset from the start of the medium, whatever has not been flushed. *)

val read_fails : t -> int -> unit
(** [read_fails t sector] makes each read of [sector] fail. *)
