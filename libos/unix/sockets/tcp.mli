(** TCP by this machine's sockets. *)

include
  Tcpip.Tcp.S
    with type ipaddr = Ipaddr.t
     and type flow = Flow.flow
     and type error = Flow.error
     and type write_error = Flow.write_error

val create : Addresses.t -> t
(** [create addresses] listens nowhere yet. {!listen} raises [Failure] with the reason if this machine refuses a port. *)
