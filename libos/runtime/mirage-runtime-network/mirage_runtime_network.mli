(** The arguments of a unikernel's network. With [group], an argument's name begins with it and a dash; [docs] is the
    manual section, {!Mirage_runtime.s_net} unless given. *)

(** Values of arguments. *)
module Arg : sig
  val ipv4_address : Ipaddr.V4.t Cmdliner.Arg.conv

  val ipv4 : Ipaddr.V4.Prefix.t Cmdliner.Arg.conv
  (** An address with the length of its network's prefix, as in [10.0.0.2/24]. *)

  val ipv6_address : Ipaddr.V6.t Cmdliner.Arg.conv
  val ipv6 : Ipaddr.V6.Prefix.t Cmdliner.Arg.conv
  val ip_address : Ipaddr.t Cmdliner.Arg.conv
end

val interface : ?group:string -> ?docs:string -> string -> string Cmdliner.Term.t
(** [--interface]: the network interface to use. *)

module V4 : sig
  val network : ?group:string -> ?docs:string -> Ipaddr.V4.Prefix.t -> Ipaddr.V4.Prefix.t Cmdliner.Term.t
  (** [--ipv4]: the address of this host in its network. *)

  val optional_network : ?group:string -> ?docs:string -> unit -> Ipaddr.V4.Prefix.t option Cmdliner.Term.t
  (** The same, where there is another way to get an address. *)

  val gateway : ?group:string -> ?docs:string -> Ipaddr.V4.t option -> Ipaddr.V4.t option Cmdliner.Term.t
  (** [--ipv4-gateway]: who forwards packets to other networks. *)
end

module V6 : sig
  val network :
    ?group:string -> ?docs:string -> Ipaddr.V6.Prefix.t option -> Ipaddr.V6.Prefix.t option Cmdliner.Term.t
  (** [--ipv6]. *)

  val gateway : ?group:string -> ?docs:string -> Ipaddr.V6.t option -> Ipaddr.V6.t option Cmdliner.Term.t
  (** [--ipv6-gateway]. *)

  val accept_router_advertisements : ?group:string -> ?docs:string -> unit -> bool Cmdliner.Term.t
  (** [--accept-router-advertisements]: whether routers may tell this host its addresses; so it is unless given. *)
end

val ipv4_only : ?group:string -> ?docs:string -> unit -> bool Cmdliner.Term.t
(** [--ipv4-only]: whether IPv6 is left out. *)

val ipv6_only : ?group:string -> ?docs:string -> unit -> bool Cmdliner.Term.t
(** [--ipv6-only]: whether IPv4 is left out. *)

(** {1 Names}

    Of [docs] the default is {!Mirage_runtime.s_dns}, or {!Mirage_runtime.s_he} for connections to hosts with several
    addresses. *)

val resolver : ?group:string -> ?docs:string -> ?default:string list -> unit -> string list option Cmdliner.Term.t
(** [--resolver]: name servers. *)

val dns_servers : ?group:string -> ?docs:string -> string list option -> string list option Cmdliner.Term.t
(** [--dns-servers]: name servers. *)

val dns_timeout : ?group:string -> ?docs:string -> int64 option -> int64 option Cmdliner.Term.t
(** [--dns-timeout]: how long to ask for a name, in nanoseconds. *)

val dns_cache_size : ?group:string -> ?docs:string -> int option -> int option Cmdliner.Term.t
(** [--dns-cache-size]: how many names to remember. *)

val he_connect_delay : ?group:string -> ?docs:string -> int64 option -> int64 option Cmdliner.Term.t
(** [--he-connect-delay]: the time between two attempts, in nanoseconds. *)

val he_connect_timeout : ?group:string -> ?docs:string -> int64 option -> int64 option Cmdliner.Term.t
(** [--he-connect-timeout]: how long to try to connect, in nanoseconds. *)
