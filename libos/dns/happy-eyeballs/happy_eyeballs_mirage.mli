(** Connections to whichever address of a host answers first (RFC 8305). The interface of happy-eyeballs-mirage 2, as far
    as it is used. *)

module type S = sig
  type t
  type stack
  type flow

  val connect_device :
    ?aaaa_timeout:int64 ->
    ?connect_delay:int64 ->
    ?connect_timeout:int64 ->
    ?resolve_timeout:int64 ->
    ?resolve_retries:int ->
    ?timer_interval:int64 ->
    stack ->
    t Lwt.t
  (** [connect_device stack] tries the next address [connect_delay] nanoseconds after the one before (250 ms unless
      given), and gives up after [connect_timeout] (10 s). The other times are the name server's client's, and are not
      looked at. *)

  val inject : t -> ([ `V4 | `V6 ] -> [ `host ] Domain_name.t -> (Ipaddr.t list, [ `Msg of string ]) result Lwt.t) -> unit
  (** [inject t addresses] makes names known to [t]. *)

  val connect_ip : t -> (Ipaddr.t * int) list -> ((Ipaddr.t * int) * flow, [> `Msg of string ]) result Lwt.t
  (** [connect_ip t addresses] connects to one of several addresses and ports. *)

  val connect_host :
    t -> [ `host ] Domain_name.t -> int list -> ((Ipaddr.t * int) * flow, [> `Msg of string ]) result Lwt.t
  (** [connect_host t name ports] connects to a host by its name. *)

  val connect : t -> string -> int list -> ((Ipaddr.t * int) * flow, [> `Msg of string ]) result Lwt.t
  (** [connect t host ports] connects to a host by its name or address. *)
end

module Make (Stack : Tcpip.Stack.V4V6) : S with type stack = Stack.t and type flow = Stack.TCP.flow
