(** Where packets go first: to their destination, or to a router. Times are in nanoseconds. *)

type t

val create : unit -> t

val add_network : t -> now:int64 -> until:int64 -> Ipaddr.V6.Prefix.t -> unit
(** [add_network t ~now ~until prefix] says that whoever has an address in [prefix] is on this link; no longer, where
    [until] has passed. *)

val add_router : t -> now:int64 -> until:int64 -> Ipaddr.V6.t -> unit
(** [add_router t ~now ~until router] says that [router] forwards packets; no longer, where [until] has passed. *)

val next_hop : t -> now:int64 -> Ipaddr.V6.t -> Ipaddr.V6.t option
(** [next_hop t ~now dst] is who is to get packets for [dst]. *)
