(** The User Datagram Protocol: single messages, which may get lost. The interface of tcpip 9. *)

module type S = sig
  type error

  val pp_error : error Fmt.t

  type ipaddr
  type t

  val disconnect : t -> unit Lwt.t

  type callback = src:ipaddr -> dst:ipaddr -> src_port:int -> Cstruct.t -> unit Lwt.t
  (** Takes a datagram's payload, and between whom it was sent. *)

  val listen : t -> port:int -> callback -> unit
  (** [listen t ~port receive] calls [receive] with every datagram for [port].

      @raise Invalid_argument if [port] is not one of 0 to 65535. *)

  val unlisten : t -> port:int -> unit
  (** [unlisten t ~port] undoes {!listen}. *)

  val input : t -> src:ipaddr -> dst:ipaddr -> Cstruct.t -> unit Lwt.t
  (** [input t ~src ~dst datagram] takes a datagram that IP received. *)

  val write :
    ?src:ipaddr ->
    ?src_port:int ->
    ?ttl:int ->
    dst:ipaddr ->
    dst_port:int ->
    t ->
    Cstruct.t ->
    (unit, error) result Lwt.t
  (** [write ~dst ~dst_port t payload] sends a datagram, from a random port unless [src_port] is given. *)
end
