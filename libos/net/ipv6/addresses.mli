(** The addresses of this host (RFC 4862). Times are in nanoseconds. *)

type state =
  | Tentative  (** It is being found out whether another host has it. *)
  | Ready
  | Duplicate  (** Another host has it. *)

type own = private {
  cidr : Ipaddr.V6.Prefix.t;  (** The address in its network. *)
  mutable state : state;
  mutable preferred_until : int64;
  mutable valid_until : int64;
}

type t

val create : unit -> t

val add : t -> ?preferred_until:int64 -> ?valid_until:int64 -> Ipaddr.V6.Prefix.t -> own option
(** [add t cidr] is a new address, tentative, without an end unless given; [None] if it is known, or there are too many. *)

val set : own -> state -> unit

val renew : t -> now:int64 -> preferred_until:int64 -> valid_until:int64 -> Ipaddr.V6.Prefix.t -> bool
(** [renew t ~now ~preferred_until ~valid_until cidr] is whether [cidr] is known; then its times are these from now on.
    Its end is brought no nearer than two hours: RFC 4862, section 5.5.3. *)

val find : t -> now:int64 -> Ipaddr.V6.t -> own option
(** [find t ~now address] is the entry of an address of this host, in whatever state. *)

val is_ready : t -> now:int64 -> Ipaddr.V6.t -> bool
val solicited : t -> now:int64 -> Ipaddr.V6.t -> bool
(** [solicited t ~now group] is whether [group] is the multicast group of questions for an address of this host. *)

val all : t -> now:int64 -> Ipaddr.V6.Prefix.t list
(** [all t ~now] is every address but duplicates. *)

val source : t -> now:int64 -> Ipaddr.V6.t -> Ipaddr.V6.t option
(** [source t ~now dst] is the address to send from to [dst], of those that are ready. *)
