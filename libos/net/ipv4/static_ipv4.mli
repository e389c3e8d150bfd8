(** IPv4 over Ethernet (RFC 791, 1122). The interface of tcpip 9. *)

module Header = Header

module Make (Ethernet : Ethernet.S) (Arp : Arp.S) : sig
  include Tcpip.Ip.S with type ipaddr = Ipaddr.V4.t and type prefix = Ipaddr.V4.Prefix.t

  val connect :
    ?no_init:bool ->
    cidr:Ipaddr.V4.Prefix.t ->
    ?gateway:Ipaddr.V4.t ->
    ?fragment_cache_size:int ->
    Ethernet.t ->
    Arp.t ->
    t Lwt.t
  (** [connect ~cidr ~gateway ethernet arp] has the address of [cidr], in its network, and sends to other networks through
      [gateway]. [fragment_cache_size] limits the bytes of fragments that are held (256 KiB). With [~no_init:true] ARP
      is not told of the address: IPv4 is not used. *)

  val configure : t -> cidr:Ipaddr.V4.Prefix.t -> ?gateway:Ipaddr.V4.t -> unit -> unit Lwt.t
  (** [configure t ~cidr ~gateway ()] changes the address. *)
end
