(** DNS messages, as far as addresses go: RFC 1035 (section 4), RFC 3596, RFC 6891. *)

type kind = A | Aaaa  (** What is asked for: IPv4 or IPv6 addresses. *)

val query : id:int -> kind -> 'a Domain_name.t -> string
(** [query ~id kind name] asks for addresses of [name], and for recursion. [id] has 16 bits. *)

(** What a name has. *)
type data = Address of Ipaddr.t | Alias of [ `raw ] Domain_name.t

type record = { name : [ `raw ] Domain_name.t; ttl_s : int; data : data }

type reply = {
  truncated : bool;  (** The answer did not fit: TCP is to be used. *)
  code : int;  (** 0 if all is well, 3 if there is no such name; others say that the server failed. *)
  answers : record list;  (** Those of other kinds and classes are left out. *)
}

val decode : id:int -> kind -> 'a Domain_name.t -> string -> reply option
(** [decode ~id kind name text] is the reply to [query ~id kind name] in [text], if that is what [text] is. It takes any
    bytes. *)

val follow : [ `raw ] Domain_name.t -> record list -> [ `raw ] Domain_name.t * (Ipaddr.t * int) list
(** [follow name records] goes from alias to alias: it is the name at the end, and its addresses with the seconds that
    they may be kept for, the aliases' considered. *)
