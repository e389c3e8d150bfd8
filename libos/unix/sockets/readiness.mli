(** Who is told when something happens to a socket. *)

type t

val watch : Host.socket -> (readable:bool -> writable:bool -> ended:bool -> unit) -> t
(** [watch socket tell] calls [tell] when [socket] becomes readable or writable, or its peer has ended. It is called in
    the main loop, and once at the beginning.

    @raise Failure with the reason if the socket cannot be watched. *)

val forget : t -> unit
(** [forget t] is for before the socket is closed. *)

val closing : unit Lwt_condition.t
(** Signalled after each {!forget}: a descriptor comes free. *)
