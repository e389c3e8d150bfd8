(** Stacks put together from their layers. The interface of tcpip 9. *)

(** Both versions of IP as one. *)
module IPV4V6
    (Ipv4 : Tcpip.Ip.S with type ipaddr = Ipaddr.V4.t and type prefix = Ipaddr.V4.Prefix.t)
    (Ipv6 : Tcpip.Ip.S with type ipaddr = Ipaddr.V6.t and type prefix = Ipaddr.V6.Prefix.t) : sig
  include Tcpip.Ip.S with type ipaddr = Ipaddr.t and type prefix = Ipaddr.Prefix.t

  val connect : ipv4_only:bool -> ipv6_only:bool -> Ipv4.t -> Ipv6.t -> t Lwt.t
  (** [connect ~ipv4_only ~ipv6_only ipv4 ipv6] leaves one of them out if told to.

      The promise is rejected with [Failure] if nothing is left. *)
end

module MakeV4V6
    (Netif : Mirage_net.S)
    (Ethernet : Ethernet.S)
    (Arpv4 : Arp.S)
    (Ip : Tcpip.Ip.S with type ipaddr = Ipaddr.t and type prefix = Ipaddr.Prefix.t)
    (Icmpv4 : Icmpv4.S)
    (Udp : Tcpip.Udp.S with type ipaddr = Ipaddr.t)
    (Tcp : Tcpip.Tcp.S with type ipaddr = Ipaddr.t) : sig
  include Tcpip.Stack.V4V6 with module IP = Ip and module TCP = Tcp and module UDP = Udp

  val connect : Netif.t -> Ethernet.t -> Arpv4.t -> Ip.t -> Icmpv4.t -> Udp.t -> Tcp.t -> t Lwt.t
  (** [connect interface ethernet arp ip icmp udp tcp] listens to [interface] from now on. *)
end

(** The TCP of a stack. *)
module TCPV4V6 (Stack : Tcpip.Stack.V4V6) : sig
  include
    Tcpip.Tcp.S with type ipaddr = Ipaddr.t and type flow = Stack.TCP.flow and type t = Stack.TCP.t

  val connect : Stack.t -> t Lwt.t
end
