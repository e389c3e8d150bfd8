(** This host on its link: its addresses, its neighbours, and the routers (RFC 4861, 4862). *)

val is_nobody : Ipaddr.V6.t -> bool
(** [is_nobody address] is whether [address] is the unspecified one, [::]. *)

module Make (Ethernet : Ethernet.S) : sig
  type t

  val start :
    handle_ra:bool -> ?cidr:Ipaddr.V6.Prefix.t -> ?gateway:Ipaddr.V6.t -> Ethernet.t -> t
  (** [start ~handle_ra ~cidr ~gateway ethernet] claims a link-local address and that of [cidr], and with [handle_ra] those
      that routers suggest. *)

  val stop : t -> unit

  (** {1 What IP asks} *)

  val addresses : t -> Ipaddr.V6.Prefix.t list
  val mtu : t -> int

  val hop_limit : t -> int
  (** [hop_limit t] is how many hops packets may take. *)

  val source : t -> Ipaddr.V6.t -> Ipaddr.V6.t option
  (** [source t dst] is the address to send from to [dst]. *)

  val next_hop : t -> Ipaddr.V6.t -> (Macaddr.t, [> Tcpip.Ip.error ]) result Lwt.t
  (** [next_hop t dst] is who takes packets for [dst] on their way. *)

  val takes : t -> Ipaddr.V6.t -> bool
  (** [takes t dst] is whether packets to [dst] are for this host. *)

  val may_send : t -> Ipaddr.V6.t -> bool
  (** [may_send t src] is whether another host may have [src]. *)

  (** {1 Packets} *)

  val send :
    t ->
    Macaddr.t ->
    hop_limit:int ->
    next:int ->
    src:Ipaddr.V6.t ->
    dst:Ipaddr.V6.t ->
    size:int ->
    (Cstruct.t -> int) ->
    (unit, Ethernet.error) result Lwt.t
  (** [send t mac ~hop_limit ~next ~src ~dst ~size fill] sends a packet: [fill] writes what is behind its header, at most
      [size] bytes. *)

  val input : t -> src:Ipaddr.V6.t -> hop_limit:int -> Cstruct.t -> unit Lwt.t
  (** [input t ~src ~hop_limit message] takes a message of ICMPv6 of at least four bytes, whose checksum is right, if it is
      one of neighbour discovery. *)
end
