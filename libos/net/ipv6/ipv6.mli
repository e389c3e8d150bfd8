(** IPv6 over Ethernet (RFC 8200), with neighbour discovery (4861), addresses that routers suggest (4862), and ICMPv6
    (4443). The interface of tcpip 9. *)

module Make (Netif : Mirage_net.S) (Ethernet : Ethernet.S) : sig
  include Tcpip.Ip.S with type ipaddr = Ipaddr.V6.t and type prefix = Ipaddr.V6.Prefix.t

  val connect :
    ?no_init:bool ->
    ?handle_ra:bool ->
    ?cidr:Ipaddr.V6.Prefix.t ->
    ?gateway:Ipaddr.V6.t ->
    Netif.t ->
    Ethernet.t ->
    t Lwt.t
  (** [connect ~cidr ~gateway interface ethernet] has a link-local address, that of [cidr], and those that routers
      suggest, unless [~handle_ra:false]. It returns at once; an address is used when no other host has claimed it for a
      second. With [~no_init:true] IPv6 is not used. *)
end
