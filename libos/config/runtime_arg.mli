(** Arguments of the unikernel itself, read when it boots. *)

type +'a arg
(** An argument whose value is of type ['a]. *)

type t
(** An argument, whatever its type. *)

type pos = string * int * int * int
(** A place in a source, [__POS__]. *)

val create : pos:pos -> ?packages:Package.t list -> string -> 'a arg
(** [create ~pos term] is the argument that [term] describes: an OCaml expression for a [Cmdliner] term, most often
    the path of a value, as ["Unikernel.port"]. [packages] are what the expression needs. *)

val v : 'a arg -> t

val logs : (([ `All | `Src of string ] * Logs.level option) list) arg
(** [-l], [--logs]. *)

val delay : int arg
(** [--delay]. *)

(** {1 Of the network}

    With [group], an argument's name begins with it. *)

val interface : ?group:string -> string -> string arg
(** [--interface]. *)

val ipv4 : ?group:string -> Ipaddr.V4.Prefix.t -> Ipaddr.V4.Prefix.t arg
(** [--ipv4]. *)

val optional_ipv4 : ?group:string -> unit -> Ipaddr.V4.Prefix.t option arg
val ipv4_gateway : ?group:string -> Ipaddr.V4.t option -> Ipaddr.V4.t option arg
val ipv4_only : ?group:string -> unit -> bool arg
val ipv6 : ?group:string -> Ipaddr.V6.Prefix.t option -> Ipaddr.V6.Prefix.t option arg
val ipv6_gateway : ?group:string -> Ipaddr.V6.t option -> Ipaddr.V6.t option arg
val ipv6_only : ?group:string -> unit -> bool arg
val accept_router_advertisements : ?group:string -> unit -> bool arg

val resolver : string list option -> string list option arg
(** [--resolver]. *)

val dns_servers : ?group:string -> string list option -> string list option arg
val dns_timeout : ?group:string -> int64 option -> int64 option arg
val dns_cache_size : ?group:string -> int option -> int option arg
val he_connect_delay : ?group:string -> int64 option -> int64 option arg
val he_connect_timeout : ?group:string -> int64 option -> int64 option arg

(** {1 For the generator} *)

val stock : name:string -> string -> 'a arg
(** [stock ~name term] is an argument of the library OS: it has no place in [config.ml], and is called [name] in the
    entry module. *)

val name : t -> string
(** [name arg] suits an OCaml variable. *)

val term : t -> string
val pos : t -> pos option
val packages : t -> Package.t list
