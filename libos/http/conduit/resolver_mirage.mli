(** Where the servers of URIs are. The interface of conduit-mirage 8, as far as TCP goes. *)

type endpoint =
  [ `TCP of Ipaddr.t * int
  | `TLS of string * endpoint  (** With the name that the server has to prove. *)
  | `Unknown of string  (** Why it is not known. *) ]

module type S = sig
  type t

  val resolve_uri : uri:Uri.t -> t -> endpoint Lwt.t
  (** [resolve_uri ~uri t] is the address of the host of [uri], and the port: the one of [uri], else the usual one of
      its scheme. *)

  val static : (string, port:int -> endpoint) Hashtbl.t -> t
  (** [static hosts] knows only [hosts]. *)

  val localhost : t
  (** [localhost] knows only this host. *)
end

(** Hosts have addresses, or names that name servers know. *)
module Make (Stack : Tcpip.Stack.V4V6) : sig
  include S

  val v : ?nameservers:string list -> Stack.t -> (t, [> `Msg of string ]) result Lwt.t
  (** [v ~nameservers stack] asks [nameservers], which are written as {!Dns_client_mirage.Nameserver} says. *)
end
