(** IPv4 with an address that a DHCP server grants (RFC 2131). The interface of charrua-client 3, but for leases, whose
    options are numbers and contents. *)

module type S = sig
  module Net : Mirage_net.S
  module Ipv4 : Tcpip.Ip.S with type ipaddr = Ipaddr.V4.t and type prefix = Ipaddr.V4.Prefix.t

  type t

  val lease : t -> (int * string) list option Lwt.t
  (** [lease t] is the options of the first lease (RFC 2132), or [None] where the address is not from DHCP. *)

  val net : t -> Net.t
  (** [net t] is the interface, without the messages that are for the DHCP client. *)

  val ipv4 : t -> Ipv4.t
end

module type With_lease = sig
  type t

  val lease : t -> (int * string) list option Lwt.t
end

module Make (Network : Mirage_net.S) (Ethernet : Ethernet.S) (Arp : Arp.S) : sig
  include S

  val connect :
    ?no_init:bool ->
    ?cidr:Ipaddr.V4.Prefix.t ->
    ?gateway:Ipaddr.V4.t ->
    ?hostname:string ->
    ?requests:int list ->
    Network.t ->
    Ethernet.t ->
    Arp.t ->
    t Lwt.t
  (** [connect network ethernet arp] is resolved when a server has granted an address. It asks for as long as it takes,
      and says on the console when it takes long. Then it keeps the lease, and changes the address if it must.
      [requests] are options that the server is asked for besides the network and the gateway; [hostname] is what it is
      told.

      With [cidr], or with [~no_init:true], nobody is asked. *)
end

(** The interface of a DHCP client. *)
module Proj_net (T : S) : sig
  include Mirage_net.S

  val connect : T.t -> t Lwt.t
end

(** Its IPv4. *)
module Proj_ipv4 (T : S) : sig
  include Tcpip.Ip.S with type ipaddr = Ipaddr.V4.t and type prefix = Ipaddr.V4.Prefix.t

  val connect : T.t -> t Lwt.t
end

(** Its lease. *)
module Proj_lease (T : With_lease) : sig
  type t = (int * string) list option

  val connect : T.t -> t Lwt.t
end
