(** The deadlines of many connections, with one timer for all: to set one costs two stores. Time is counted in whole
    seconds, so what is due may happen up to a second late. *)

type t

val create : sleep:(int64 -> unit Lwt.t) -> t
(** [create ~sleep] has the clock [sleep], which takes nanoseconds. It ticks only while there are guards. *)

type guard
(** The deadline of one connection, and who waits for that connection. *)

val join : t -> guard
(** [join t] is a new guard, without a deadline. *)

val leave : guard -> unit
val count : t -> int

(** {1 Setting deadlines}

    A deadline is that of whoever waits then; while nobody waits, nothing happens. *)

val allow : guard -> int -> unit
(** [allow guard seconds] sets the deadline. *)

val idle : guard -> int -> unit
(** [idle guard seconds] sets the deadline, and makes [guard] one that can be spared. *)

val unlimited : guard -> unit

(** {1 Waiting} *)

val within : guard -> 'a Lwt.t -> ('a -> 'b) -> expired:'b -> 'b Lwt.t
(** [within guard promise f ~expired] is [f] of what [promise] brings, or [expired] if the deadline passes before. What
    [promise] still brings then is nobody's. One at a time waits for a guard. *)

val expired : guard -> bool
(** [expired guard] is whether a deadline passed while somebody waited. *)

val spare : t -> bool
(** [spare t] lets the deadline of the guard pass that has been idle longest, and is whether there was one. *)
