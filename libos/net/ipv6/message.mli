(** Messages of neighbour discovery (RFC 4861, section 4), each without the four bytes of ICMPv6 before it. *)

type prefix = {
  prefix : Ipaddr.V6.Prefix.t;
  on_link : bool;  (** Its addresses need no router. *)
  autonomous : bool;  (** Hosts may choose addresses in it. *)
  valid_s : int;  (** For so many seconds; {!forever} has no end. *)
  preferred_s : int;
}

val forever : int

type advertisement = {
  lifetime_s : int;  (** How long the sender wants to be a default router; 0: not at all. *)
  hop_limit : int;  (** 0 where it does not say. *)
  prefixes : prefix list;
  mtu : int option;
  router_mac : Macaddr.t option;
}

type t =
  | Router_advertisement of advertisement
  | Solicitation of { target : Ipaddr.V6.t; source_mac : Macaddr.t option }
  | Advertisement of { target : Ipaddr.V6.t; target_mac : Macaddr.t option; solicited : bool }

val of_cstruct : kind:int -> Cstruct.t -> t option
(** [of_cstruct ~kind body] is the message of the ICMPv6 type [kind], if it is one of these and sound. *)

(** {1 Writing}

    Each is the type, and the body. *)

val router_solicitation : unit -> int * Cstruct.t

val solicitation : ?source_mac:Macaddr.t -> Ipaddr.V6.t -> int * Cstruct.t
(** [solicitation target] asks who has [target]. *)

val advertisement : solicited:bool -> Macaddr.t -> Ipaddr.V6.t -> int * Cstruct.t
(** [advertisement ~solicited mac target] says that [mac] has [target]. *)
