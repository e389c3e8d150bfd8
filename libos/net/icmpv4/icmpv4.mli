(** The Internet Control Message Protocol (RFC 792): answers to pings, and bad news. The interface of tcpip 9. *)

module type S = sig
  type t

  val disconnect : t -> unit Lwt.t

  type ipaddr = Ipaddr.V4.t
  type error

  val pp_error : error Fmt.t

  val input : t -> src:ipaddr -> dst:ipaddr -> Cstruct.t -> unit Lwt.t
  (** [input t ~src ~dst message] takes a message that IP received: it answers pings, and logs what could not be
      delivered. *)

  val write : t -> ?src:ipaddr -> dst:ipaddr -> ?ttl:int -> Cstruct.t -> (unit, error) result Lwt.t
  (** [write t ~dst message] sends a message. *)
end

module Make (Ip : Tcpip.Ip.S with type ipaddr = Ipaddr.V4.t) : sig
  include S

  val connect : Ip.t -> t Lwt.t
end
