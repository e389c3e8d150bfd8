(** Addresses of names, from name servers. The interface of dns-client-mirage 10, as far as addresses go. *)

(** {1 Parts} *)

module Message = Message
module Nameserver = Nameserver
module Cache = Cache

(** {1 The client} *)

module type S = sig
  type stack
  type t

  val connect :
    ?cache_size:int -> ?nameservers:string list -> ?timeout:int64 -> stack -> t Lwt.t
  (** [connect stack] asks [nameservers], in their order, again and again until [timeout], in nanoseconds: 5 seconds
      unless given. {!Nameserver} says how they are written; without any, {!Nameserver.defaults} are asked. Up to
      [cache_size] names, 64 unless given, are kept for as long as the servers allow.

      @raise Invalid_argument if a name server is not written as it should. *)

  val nameservers : t -> Nameserver.t list

  val getaddrinfo : t -> Message.kind -> 'a Domain_name.t -> (Ipaddr.t list, [> `Msg of string ]) result Lwt.t
  (** [getaddrinfo t kind name] is all addresses of [name], at least one. *)

  val gethostbyname : t -> [ `host ] Domain_name.t -> (Ipaddr.V4.t, [> `Msg of string ]) result Lwt.t
  (** [gethostbyname t name] is an IPv4 address of [name]. *)

  val gethostbyname6 : t -> [ `host ] Domain_name.t -> (Ipaddr.V6.t, [> `Msg of string ]) result Lwt.t
end

module Make
    (Stack : Tcpip.Stack.V4V6)
    (Happy_eyeballs : Happy_eyeballs_mirage.S with type stack = Stack.t and type flow = Stack.TCP.flow) :
  S with type stack = Stack.t * Happy_eyeballs.t
(** The second part of the stack gets to know names: {!Happy_eyeballs_mirage.S.connect} asks this client. *)
