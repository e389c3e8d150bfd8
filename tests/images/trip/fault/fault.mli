(** Things that a program must not get away with. *)

val write_code : unit -> unit
val write_constant : unit -> unit
val execute_data : unit -> unit
val execute_stack : unit -> unit
val overflow_stack : unit -> unit
val null : unit -> unit
val smash : unit -> unit
val unmapped : unit -> unit
val invalid : unit -> unit
val abort : unit -> unit
