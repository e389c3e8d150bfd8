(** Headers of IPv4 packets (RFC 791). *)

val size : int
(** The length of a header without options, in bytes. *)

val protocol : Tcpip.Ip.proto -> int

type fragment = {
  id : int;
  offset : int;  (** In bytes. *)
  more : bool;  (** Others follow. *)
}

val payload : Cstruct.t -> Cstruct.t option
(** [payload packet] is what [packet] carries, if its header is sound. All else that is read is of such packets. *)

val is_whole : Cstruct.t -> bool
(** [is_whole packet] is whether [packet] is no fragment. *)

val fragment : Cstruct.t -> fragment
(** [fragment packet] is what the header says of fragments. *)

val source : Cstruct.t -> Ipaddr.V4.t
val destination : Cstruct.t -> Ipaddr.V4.t

val carries : Cstruct.t -> int
(** [carries packet] is the number of the protocol of its payload. *)

(** {1 Writing} *)

type fragmenting =
  | Never  (** It must arrive as it is. *)
  | Fragment of fragment  (** It is one, or may become several. *)

val write :
  Cstruct.t -> length:int -> fragmenting -> ttl:int -> proto:int -> src:Ipaddr.V4.t -> dst:Ipaddr.V4.t -> unit
(** [write packet ~length fragmenting ~ttl ~proto ~src ~dst] writes the header of a packet of [length] bytes. *)

val pseudoheader : src:Ipaddr.V4.t -> dst:Ipaddr.V4.t -> Tcpip.Ip.proto -> int -> Cstruct.t
(** RFC 793, section 3.1. *)
