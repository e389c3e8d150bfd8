(** From a device to the store on it. *)

val connect : now:Ptime.t -> Device.t -> (Log.t * Contents.t, Problem.connect_error) result Lwt.t
(** [connect ~now device] is the store on [device]. If all of [device] is zero, or a power cut interrupted this before, it
    is made a store. Nothing else is ever written over. *)
