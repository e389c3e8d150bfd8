(** What a DHCP server has granted. *)

type t = {
  cidr : Ipaddr.V4.Prefix.t;
  gateway : Ipaddr.V4.t option;
  server : Ipaddr.V4.t;
  renew_s : int;  (** When to ask the server for more time, in seconds from the grant (T1). *)
  rebind_s : int;  (** When to ask any server (T2). *)
  end_s : int option;  (** When the address may no longer be used; never, if there is none. *)
  options : (int * string) list;  (** All that the server said (RFC 2132). *)
}

val of_packet : Packet.t -> t option
(** [of_packet packet] is the lease in an acknowledgement, if it makes sense. *)

val pp : t Fmt.t
