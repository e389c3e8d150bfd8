(** Ethernet frames: see {!Ethernet.Packet}. *)

type proto = [ `ARP | `IPv4 | `IPv6 ]

val pp_proto : proto Fmt.t

type t = { source : Macaddr.t; destination : Macaddr.t; ethertype : proto }

val sizeof_ethernet : int
val ethertype : Cstruct.t -> int
val to_ethertype : proto -> int
val of_cstruct : Cstruct.t -> (t * Cstruct.t, string) result
val into_cstruct : t -> Cstruct.t -> (unit, string) result
val make_cstruct : t -> Cstruct.t

val write_header : Cstruct.t -> src:Macaddr.t -> dst:Macaddr.t -> proto -> unit
(** [write_header frame ~src ~dst proto] is {!into_cstruct} for a buffer that is long enough. *)
