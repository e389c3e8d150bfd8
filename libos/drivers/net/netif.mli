(** The network interfaces of a unikernel: those of the machine. *)

type error = Mirage_net.Net.error

include Mirage_net.S with type error := error

val connect : place:int -> string -> t Lwt.t
(** [connect ~place name] is the interface at [place] in the order of [config.ml], where it is called [name]. Whoever
    connects to a place again gets the same interface. Of several {!listen}ers the last gets the frames.

    The promise is rejected with [Failure] if the interface is not there. *)

val link : t -> bool
(** [link t] is whether the cable is plugged in. *)
