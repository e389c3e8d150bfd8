(** ARP: who on this Ethernet has an IPv4 address (RFC 826, 5227). The interface of arp 4. *)

module type S = sig
  type t

  val disconnect : t -> unit Lwt.t

  type error = private [> `Timeout ]
  (** [`Timeout]: nobody answered. *)

  val pp_error : error Fmt.t

  val pp : t Fmt.t
  (** [pp] shows who is known to have which address. *)

  val get_ips : t -> Ipaddr.V4.t list
  (** [get_ips t] is this host's addresses. *)

  val set_ips : t -> Ipaddr.V4.t list -> unit Lwt.t
  (** [set_ips t addresses] has this host answer for [addresses] only, and announces them. *)

  val remove_ip : t -> Ipaddr.V4.t -> unit Lwt.t
  val add_ip : t -> Ipaddr.V4.t -> unit Lwt.t

  val query : t -> Ipaddr.V4.t -> (Macaddr.t, error) result Lwt.t
  (** [query t address] is who has [address], asking if need be; that takes three seconds if nobody answers. *)

  val input : t -> Cstruct.t -> unit Lwt.t
  (** [input t message] takes a message that was received. *)
end

module Make (Ethernet : Ethernet.S) : sig
  include S

  val connect : ?probe_delay:int64 -> Ethernet.t -> t Lwt.t
  (** [connect ethernet] has no addresses. A question is repeated after [probe_delay] nanoseconds. *)
end
