(** A stack over this machine's sockets, for the target unix. The interface of tcpip 9, whose module of this name takes its
    TCP and UDP ready made. *)

module V4V6 : sig
  include Tcpip.Stack.V4V6 with module IP = Ip and module TCP = Tcp and module UDP = Udp

  val connect :
    ipv4_only:bool -> ipv6_only:bool -> ipv4:Ipaddr.V4.Prefix.t -> ipv6:Ipaddr.V6.Prefix.t option -> unit -> t Lwt.t
  (** [connect ~ipv4_only ~ipv6_only ~ipv4 ~ipv6 ()] uses the addresses that it is given, or all: see {!Addresses}.

      The promise is rejected with [Failure] if nothing is left, or if [UNIKERNEL_PORTS] makes no sense. *)
end
