(** Headers of IPv6 packets, and those that may follow (RFC 8200). *)

val size : int
(** The length of the first header, in bytes. *)

val icmp : int
(** The number of ICMPv6. *)

val protocol : Tcpip.Ip.proto -> int
val get_address : Cstruct.t -> int -> Ipaddr.V6.t
val set_address : Cstruct.t -> int -> Ipaddr.V6.t -> unit

(** {1 Reading} *)

type t = { src : Ipaddr.V6.t; dst : Ipaddr.V6.t; hop_limit : int; next : int; rest : Cstruct.t }
(** The first header of a packet: [next] tells what [rest] begins with. *)

val of_cstruct : Cstruct.t -> t option
(** [of_cstruct packet] is the header of [packet], if it is sound. *)

type payload =
  | Payload of int * Cstruct.t  (** A protocol's number, and what is for it. *)
  | Fragment of { id : int32; offset : int; more : bool; next : int; content : Cstruct.t }
  | Nothing  (** It is malformed, or asks for what only routers do. *)

val payload : int -> Cstruct.t -> payload
(** [payload next rest] is what is behind headers of options. *)

(** {1 Writing} *)

val write : Cstruct.t -> length:int -> hop_limit:int -> next:int -> src:Ipaddr.V6.t -> dst:Ipaddr.V6.t -> unit
(** [write packet ~length ~hop_limit ~next ~src ~dst] writes the header of a packet that has [length] bytes behind it. *)

val fragment_size : int
(** The length of a fragment's own header. *)

val write_fragment : Cstruct.t -> id:int32 -> offset:int -> more:bool -> next:int -> unit
(** [write_fragment rest ~id ~offset ~more ~next] writes the header of a fragment of something of the protocol [next]. *)

val fragment : int
(** Its number. *)

val pseudoheader : src:Ipaddr.V6.t -> dst:Ipaddr.V6.t -> int -> int -> Cstruct.t
(** [pseudoheader ~src ~dst next length] is what checksums cover besides the [length] bytes of the protocol [next]. *)
