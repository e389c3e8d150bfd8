(** UDP by this machine's sockets. *)

type error = [ `Host of string  (** In the words of this machine. *) ]

include Tcpip.Udp.S with type ipaddr = Ipaddr.t and type error := error

val create : Addresses.t -> t
(** [create addresses] listens nowhere yet. {!listen} raises [Failure] with the reason if this machine refuses a port.

    A datagram from the source port of a listener is sent from where it listens. Where ports are mapped ({!Ports}) a
    listener also hears those to whom it has sent something, wherever they are; nobody else. The arguments [src] and
    [ttl] are of no account. *)
