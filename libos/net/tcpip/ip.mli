(** The Internet Protocol. The interface of tcpip 9. *)

type error =
  [ `No_route of string  (** Nobody is known who would take the packet on its way; the reason. *)
  | `Would_fragment  (** The packet is bigger than the MTU, and was not to be fragmented. *) ]

val pp_error : error Fmt.t

type proto = [ `TCP | `UDP | `ICMP ]
(** What a packet carries. *)

val pp_proto : proto Fmt.t

module type S = sig
  type nonrec error = private [> error ]

  val pp_error : error Fmt.t

  type ipaddr
  (** An address. *)

  val pp_ipaddr : ipaddr Fmt.t

  type prefix
  (** An address with the length of its network's prefix. *)

  val pp_prefix : prefix Fmt.t

  type t

  val disconnect : t -> unit Lwt.t

  type callback = src:ipaddr -> dst:ipaddr -> Cstruct.t -> unit Lwt.t
  (** Takes what a packet carried, and between whom. *)

  val input : t -> tcp:callback -> udp:callback -> default:(proto:int -> callback) -> Cstruct.t -> unit Lwt.t
  (** [input t ~tcp ~udp ~default packet] takes a packet that was received, and hands on what it carries once all its
      fragments are there. Packets that are malformed or for others are dropped. *)

  val write :
    t ->
    ?fragment:bool ->
    ?ttl:int ->
    ?src:ipaddr ->
    ipaddr ->
    proto ->
    ?size:int ->
    (Cstruct.t -> int) ->
    Cstruct.t list ->
    (unit, error) result Lwt.t
  (** [write t dst proto ~size fill payload] sends a packet to [dst]. [fill] is given [size] zeroed bytes (none unless
      given) behind the IP header and returns how many it used; [payload] follows them, copied before the call returns
      unless the address of the next hop must be asked for. A packet bigger than the MTU is fragmented, or with
      [~fragment:false] refused; what [fill] gets must fit in any case. [ttl] is the hop limit, [src] this host's
      address to send from. *)

  val pseudoheader : t -> ?src:ipaddr -> ipaddr -> proto -> int -> Cstruct.t
  (** [pseudoheader t ~src dst proto length] is what the checksums of TCP and UDP cover besides their [length] bytes. *)

  val src : t -> dst:ipaddr -> ipaddr
  (** [src t ~dst] is the address from which packets to [dst] are sent. *)

  val get_ip : t -> ipaddr list
    [@@ocaml.deprecated "Use configured_ips."]

  val configured_ips : t -> prefix list
  (** [configured_ips t] is this host's addresses. *)

  val mtu : t -> dst:ipaddr -> int
  (** [mtu t ~dst] is how much a packet to [dst] can carry, the IP header not counted. *)
end
