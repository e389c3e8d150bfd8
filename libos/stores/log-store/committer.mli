(** What is asked of a store, put into transactions one after another: what comes while one is being written is written
    together in the next. *)

type t

val make : now:(unit -> Ptime.t) -> Log.t -> Contents.t -> t

val contents : t -> Contents.t
(** [contents t] is what is on the medium. *)

val log : t -> Log.t

val ask : t -> Operation.t -> (unit, Problem.write_error) result Lwt.t
(** [ask t operation] is resolved when it is on the medium. *)

val idle : t -> unit Lwt.t
(** [idle t] is resolved when all that was asked is done. *)
