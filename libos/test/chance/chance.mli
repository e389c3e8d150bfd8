(** How much is tried by chance. *)

val times : int -> int
(** [times n] is [n], or 20 times [n] where [LABKIT_TEST_FULL] is 1 in the environment. *)

val property : string -> int -> 'a QCheck.arbitrary -> ('a -> bool) -> unit Alcotest.test_case
(** [property name n values law] tests that [law] holds for [times n] of [values]. *)
