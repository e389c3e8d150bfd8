(** What a store was when it was last used. Nothing is written. *)

type error = [ Device.error | `Damaged of string  (** What is wrong. *) ]

val replay : Log.t -> head:int -> (Contents.t, error) result Lwt.t
(** [replay log ~head] reads [log] from its tail to its end, which it is made to reach to. It is damaged if it does not go to
    [head], or goes on behind what cannot be read. *)
