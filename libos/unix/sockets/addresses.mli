(** The addresses of this machine that a stack uses. *)

type t

val create : ipv4_only:bool -> ipv6_only:bool -> ipv4:Ipaddr.V4.Prefix.t -> ipv6:Ipaddr.V6.Prefix.t option -> t
(** [create ~ipv4_only ~ipv6_only ~ipv4 ~ipv6] listens on the addresses in [ipv4] and [ipv6], and sends from them; on all
    where they are unspecified. Where ports are mapped ({!Ports}) it listens on the loopback address only, and what the
    network's own addresses would be is of no account.

    @raise Failure if nothing is left. *)

val to_listen : t -> Unix.inet_addr list
(** [to_listen t] is where to listen. One of version 6 that is unspecified, and alone, stands for version 4 too. *)

val source : t -> Ipaddr.t -> (Unix.inet_addr option, string) result
(** [source t peer] is where to send from, or why [peer] cannot be reached. *)

val prefixes : t -> Ipaddr.Prefix.t list
(** [prefixes t] is the addresses that the program was given, or those on which it listens. *)

(** {1 Between OCaml's addresses and ours} *)

val of_unix : Unix.sockaddr -> Ipaddr.t * int
(** [of_unix address] is an address and a port; version 4 in version 6 is version 4.

    @raise Invalid_argument if it is none of the Internet's. *)

val to_unix : Ipaddr.t -> Unix.inet_addr
val domain : Unix.inet_addr -> Unix.socket_domain
