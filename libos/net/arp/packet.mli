(** ARP messages for IPv4 over Ethernet (RFC 826). *)

type operation = Request | Reply

type t = {
  operation : operation;
  source_mac : Macaddr.t;
  source_ip : Ipaddr.V4.t;
  target_mac : Macaddr.t;
  target_ip : Ipaddr.V4.t;
}

val size : int
(** The length of a message, in bytes. *)

val of_cstruct : Cstruct.t -> t option
(** [of_cstruct buffer] is the message at the start of [buffer], if there is one. *)

val write : Cstruct.t -> t -> unit
(** [write buffer t] writes [t] at the start of [buffer], which has {!size} bytes. *)
