(** Promises that devices keep. *)

val wait : int -> unit Lwt.t
(** [wait source] is resolved at the next event of [source], a bit of {!Platform.wait}'s result. *)

val signal : int -> unit
(** [signal sources] tells those who wait for any of [sources]. *)
