(** DHCP as a server sees it, by its own reading of RFC 2131. *)

type seen = {
  kind : int;  (** 1 discovers, 3 requests. *)
  xid : string;
  ciaddr : string;
  to_ : string;  (** IP's destination. *)
  options : (int * string) list;
  at : int;  (** When it came, in milliseconds. *)
}

val seen : Cstruct.t -> seen option
(** [seen frame] is the client's message in [frame], if there is one. *)

val now_ms : unit -> int
val ip : string -> string
(** [ip "10.0.0.1"] is its four bytes. *)

val usual : ?lease:int -> unit -> (int * string) list
(** [usual ()] is the options of a server that means well. *)

val frame :
  ?kind:int ->
  ?address:string ->
  ?client:Macaddr.t ->
  ?server:string ->
  xid:string ->
  (int * string) list ->
  Cstruct.t
(** [frame ~kind ~xid options] is a message of the server: [kind] is 2 to offer, 5 to grant, 6 to refuse. *)
