(** Whole stacks. The interface of tcpip 9. *)

(** TCP and UDP over IPv4 and IPv6. *)
module type V4V6 = sig
  type t

  val disconnect : t -> unit Lwt.t

  module UDP : Udp.S with type ipaddr = Ipaddr.t
  module TCP : Tcp.S with type ipaddr = Ipaddr.t
  module IP : Ip.S with type ipaddr = Ipaddr.t and type prefix = Ipaddr.Prefix.t

  val udp : t -> UDP.t
  val tcp : t -> TCP.t
  val ip : t -> IP.t

  val listen : t -> unit Lwt.t
  (** [listen t] hands what the network interface receives to the layers above. It is resolved when [t] is
      disconnected. *)
end
