(** Ethernet: frames from and to hardware addresses. The interface of ethernet 3. *)

module Packet : sig
  type proto = [ `ARP | `IPv4 | `IPv6 ]
  (** What a frame carries. *)

  val pp_proto : proto Fmt.t

  type t = { source : Macaddr.t; destination : Macaddr.t; ethertype : proto }
  (** The header of a frame. *)

  val sizeof_ethernet : int
  (** The length of a header: 14 bytes. *)

  val of_cstruct : Cstruct.t -> (t * Cstruct.t, string) result
  (** [of_cstruct frame] is the header of [frame], and what is behind it; or why it has none that is known. *)

  val into_cstruct : t -> Cstruct.t -> (unit, string) result
  (** [into_cstruct t buffer] writes [t] at the start of [buffer], unless that is too short. *)

  val make_cstruct : t -> Cstruct.t
  (** [make_cstruct t] is [t] in a buffer of its own. *)
end

module type S = sig
  type nonrec error = private [> `Exceeds_mtu ]
  (** [`Exceeds_mtu]: what was to be sent does not fit into a frame. *)

  val pp_error : error Fmt.t

  type t

  val disconnect : t -> unit Lwt.t

  val write :
    t -> ?src:Macaddr.t -> Macaddr.t -> Packet.proto -> ?size:int -> (Cstruct.t -> int) -> (unit, error) result Lwt.t
  (** [write t ~src dst proto ~size fill] sends a frame. [fill] is given a zeroed buffer of [size] bytes, {!mtu} unless
      given, behind the header, and returns how many it used. [src] is {!mac} unless given. *)

  val mac : t -> Macaddr.t
  (** [mac t] is this host's address. *)

  val mtu : t -> int
  (** [mtu t] is the most bytes that a frame carries. *)

  val input :
    arpv4:(Cstruct.t -> unit Lwt.t) ->
    ipv4:(Cstruct.t -> unit Lwt.t) ->
    ipv6:(Cstruct.t -> unit Lwt.t) ->
    t ->
    Cstruct.t ->
    unit Lwt.t
  (** [input ~arpv4 ~ipv4 ~ipv6 t frame] hands on what a frame carries that was received, if it is for this host, for
      several, or for all. *)
end

module Make (N : Mirage_net.S) : sig
  include S

  val connect : N.t -> t Lwt.t
  (** [connect interface] is Ethernet over [interface]. *)
end
