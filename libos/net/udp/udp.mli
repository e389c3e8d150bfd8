(** The User Datagram Protocol (RFC 768) over any version of IP. The interface of tcpip 9. *)

module Make (Ip : Tcpip.Ip.S) : sig
  include Tcpip.Udp.S with type ipaddr = Ip.ipaddr

  val connect : Ip.t -> t Lwt.t
end
