(** The deadlines of many connections, with one timer for all: to set one costs two stores. Time is counted in whole
    seconds, so what is due may happen up to a second late. *)

type t

val create : sleep:(int64 -> unit Lwt.t) -> t
(** [create ~sleep] has the clock [sleep], which takes nanoseconds. It ticks only while there are guards. *)

val seconds : t -> int
(** [seconds t] is the clock: it counts the seconds in which there were guards. *)

type guard
(** The deadline of whoever waits for a connection. While nobody waits, nothing happens. *)

val join : t -> guard
(** [join t] is a new guard, without a deadline. *)

val on_expiry : guard -> (unit -> unit) -> unit
(** [on_expiry guard f] has [f] called when a deadline has passed. What [f] causes has to be put off, as
    {!Lwt.wakeup_later} does. *)

val leave : guard -> unit
val count : t -> int

(** {1 Setting deadlines} *)

val allow : guard -> int -> unit
(** [allow guard seconds] sets the deadline. *)

val idle : guard -> int -> unit
(** [idle guard seconds] sets the deadline, and makes [guard] one that can be spared. *)

val unlimited : guard -> unit

(** {1 Waiting} *)

val waits : guard -> bool -> unit
(** [waits guard yes] says whether somebody waits. *)

val expired : guard -> bool

val spare : t -> bool
(** [spare t] lets the deadline of the guard pass that has been idle longest, and is whether there was one. *)
