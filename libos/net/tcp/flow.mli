(** TCP over any IP. The interface of tcpip 9, with a third kind of error: a connection that was reset. *)

type error = [ Tcpip.Tcp.error | `Reset  (** By the peer, or because nobody wanted what it sent. *) ]

module Make (IP : Tcpip.Ip.S) : sig
  include
    Tcpip.Tcp.S
      with type ipaddr = IP.ipaddr
       and type error = error
       and type write_error = Tcpip.Tcp.write_error

  val connect : IP.t -> t Lwt.t
  (** [connect ip] is TCP over [ip], which is to call {!input} with the segments that it receives. *)

  val num_open_channels : t -> int
  (** [num_open_channels t] is the number of connections, TIME-WAIT included. *)
end
