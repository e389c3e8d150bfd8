(** Arguments for the OCaml runtime, which on other systems come from the variable [OCAMLRUNPARAM]. *)

open Cmdliner

val backtrace : default:bool -> bool Term.t
(** [--backtrace BOOL]: whether an uncaught exception shows where it was raised. *)

val randomize_hashtables : default:bool -> bool Term.t
(** [--randomize-hashtables BOOL]: whether hash tables differ from run to run, against crafted keys. *)

val gc_control : default:Gc.control -> Gc.control Term.t
(** [--minor-heap-size WORDS], [--space-overhead PERCENT] and so on: see {!Stdlib.Gc.control}. *)

val setup :
  ?backtrace:bool option ->
  ?randomize_hashtables:bool option ->
  ?gc_control:Gc.control option ->
  unit ->
  unit Term.t
(** [setup ()] evaluates the arguments and does what they say. Each parameter is the default of the argument;
    [None] leaves the argument out. They are [Some false], [Some false] and [Some (Gc.get ())] if not given. *)
