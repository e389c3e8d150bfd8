(** What every unikernel has: arguments, logs, clocks, random numbers, jobs. *)

open Impl

type job

val job : job typ
(** Something to run. *)

val noop : job t
(** Nothing to run. *)

type argv

val argv : argv typ
(** Where the arguments come from. *)

val default_argv : argv t
(** The command line of the unikernel. *)

val no_argv : argv t
(** No arguments: all have their defaults. *)

type reporter

val reporter : reporter typ
(** Where log messages go. *)

val default_reporter : ?level:Logs.level option -> unit -> reporter t
(** [default_reporter ~level ()] prints log messages on the console. [level], [Some Logs.Info] unless given, is the
    threshold; [--logs] overrides it. *)

val no_reporter : reporter t
(** Log messages go nowhere. *)

type sleep

val sleep : sleep typ
val default_sleep : sleep t
val no_sleep : sleep t

type ptime

val ptime : ptime typ
val default_ptime : ptime t
val no_ptime : ptime t
val mock_ptime : ptime t

type mtime

val mtime : mtime typ
val default_mtime : mtime t
val no_mtime : mtime t
val mock_mtime : mtime t

type random

val random : random typ

val default_random : random t
(** Mirage_crypto_rng; nothing of it is linked unless the unikernel uses it. *)

val no_random : random t
