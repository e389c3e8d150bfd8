(** Name servers, and how they are written: an address, with [udp:] or [tcp:] before it, and with a port behind it as in
    [10.0.2.3:5353] or [[fd00::3]:5353]. *)

type protocol = Udp_then_tcp  (** TCP for what does not fit. *) | Tcp
type t = { protocol : protocol; address : Ipaddr.t; port : int }

val of_string : string -> (t, [> `Msg of string ]) result
val pp : t Fmt.t

val defaults : t list
(** [defaults] answer to everybody on the Internet: those of UncensoredDNS, as upstream. *)

val of_lease : (int * string) list option -> string list option
(** [of_lease options] is the name servers in what a DHCP server has granted (RFC 2132, section 3.8), if there are any. *)
