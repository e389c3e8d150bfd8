(** One end of a connection, in memory; the test is the other end. *)

include Mirage_flow.S

val create : unit -> flow

(** {1 The other end} *)

val send : flow -> string -> unit
val finish : flow -> unit
(** [finish flow] sends the end. *)

val received : flow -> string
(** [received flow] is what was written since it was last asked for. *)

val writes : flow -> int
(** [writes flow] counts writes. *)

val stall : flow -> unit
(** [stall flow] takes nothing more: writes wait for ever. *)

val forget : flow -> unit
(** [forget flow] makes every later call raise. *)

val break : flow -> unit
(** [break flow] loses the connection. *)

val is_closed : flow -> bool
val is_read : flow -> bool
(** [is_read flow] is whether somebody waits for data. *)
