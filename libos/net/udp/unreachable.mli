(** What a host answers to a datagram for a port where nobody listens. *)

val answer : pseudoheader:Cstruct.t -> Cstruct.t -> Cstruct.t
(** [answer ~pseudoheader datagram] is an ICMP message (RFC 792, or 4443 for IPv6) that says so to the sender of
    [datagram]. [pseudoheader] is that of [datagram] from its sender to this host; its length tells the version of IP. *)
