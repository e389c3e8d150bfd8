(** Setting up the default generator by hand, with the interface of mirage-crypto-rng-mirage 2. A unikernel need
    not. *)

val initialize : ?g:'a -> ?sleep:int64 -> 'a Rng.generator -> unit Lwt.t
(** [initialize generator] makes a generator, seeds it by the platform's entropy and sets it as the default.
    [sleep] is ignored: no task feeds it. *)
