(** The connections of a host, who waits for them, and what happens before the main loop idles: see {!Endpoint}, which
    is built on this. *)

val now : unit -> int
(** [now ()] is the clock of all times here, nanoseconds. *)

val random : int -> int
(** [random bound] is at least 0 and less than [bound], and not to be guessed. *)

module Make (IP : Tcpip.Ip.S) : sig
  module Table : Table.S with type address = IP.ipaddr

  (** A connection, and who waits for it. *)
  type flow = {
    endpoint : t;
    tcb : Tcb.t;
    local : IP.ipaddr;
    remote : IP.ipaddr;
    local_port : int;
    remote_port : int;
    ports : int;  (** {!Table.ports}. *)
    pseudo : int;  (** The ones' complement sum of the pseudo-header for no data. *)
    alarm : flow Alarms.alarm;
    mutable dirty : bool;  (** It is among [dirty_flows]. *)
    mutable listed : bool;  (** It is among [time_waits]. *)
    mutable opening : opening;
    mutable held : int;  (** What [held_by_all] counts for it. *)
    mutable reader : (Connection.input Lwt.t * Connection.input Lwt.u) option;
    mutable writers : (unit Lwt.t * unit Lwt.u) option;
    mutable closer : (unit Lwt.t * unit Lwt.u) option;
  }

  (** Who is to be told that it is open. *)
  and opening =
    | Connecting of (flow, Tcb.failure) result Lwt.u
    | Accepting of (flow -> unit Lwt.t) * flow Half_open.slot
    | Opened

  and listener = { keepalive : Tcb.keepalive option; serve : flow -> unit Lwt.t }

  and t = {
    ip : IP.t;
    secret : string;
    flows : flow Table.t;
    listeners : (int, listener) Hashtbl.t;
    half_open : flow Half_open.t;
    time_waits : flow Queue.t;
    alarms : flow Alarms.t;
    mutable wake_at : int;
    mutable sleeper : unit Lwt.t;
    mutable dirty_flows : flow list;  (** Anything happened to them since the main loop idled. *)
    mutable held_by_all : int;  (** Bytes that are buffered for applications. *)
    mutable active : bool;
  }

  val create : IP.t -> t
  val length : t -> int

  val flow :
    t ->
    local:IP.ipaddr ->
    remote:IP.ipaddr ->
    local_port:int ->
    remote_port:int ->
    pseudo:int ->
    passive:bool ->
    keepalive:Tcb.keepalive option ->
    now:int ->
    opening ->
    flow
  (** [flow t … opening] is a new connection, closed, and among those of [t]. *)

  val remove : t -> flow -> unit

  val pseudo_sum : t -> local:IP.ipaddr -> remote:IP.ipaddr -> int
  (** [pseudo_sum t ~local ~remote] is a flow's [pseudo]. *)

  val fold : int -> int
  (** [fold sum] is [sum] with its carry added, a ones' complement sum of 16 bits. *)

  val send :
    t ->
    local:IP.ipaddr ->
    remote:IP.ipaddr ->
    local_port:int ->
    remote_port:int ->
    pseudo:int ->
    mss:int ->
    Segment.t ->
    (unit, IP.error) result Lwt.t

  val changed : flow -> unit
  (** [changed flow] is to be called when anything happened to the connection: it wakes who waited for it, and has sent
      what is due before the main loop idles. *)

  val mark_dirty : flow -> unit
  (** [mark_dirty flow] does the second only. *)

  val notify : flow -> unit
  (** [notify flow] does the first only. *)

  val account : flow -> unit
  (** [account flow] corrects [held]. *)

  val flush : t -> unit
  (** [flush t] sends all that is due. *)

  val flush_flow : t -> now:int -> flow -> unit
  val sleep : t -> now:int -> unit
  (** [sleep t ~now] has the next deadline kept. *)
end
