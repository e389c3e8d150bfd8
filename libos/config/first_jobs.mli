(** What every unikernel does before its own jobs. *)

open Impl

val read_arguments : Basic.argv t -> Basic.job t
(** [read_arguments argv] gives the unikernel its name and reads its arguments. *)

val wait_for_delay : Basic.job t
(** [wait_for_delay] sleeps as long as [--delay] says. *)
