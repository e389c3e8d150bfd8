(** All connections of a host: segments in and out, listeners, timers. {!Flow} is what applications see of it.

    Nothing is sent when a segment comes or an application writes: first everybody has his turn, then, before the main
    loop idles, each connection that anything happened to sends what is due. So an answer carries the acknowledgement of
    its question, and what was written in pieces leaves in full segments. *)

module Make (IP : Tcpip.Ip.S) : sig
  type t = Flows.Make(IP).t
  type flow = Flows.Make(IP).flow

  val create : IP.t -> t
  val shut : t -> unit
  (** [shut t] closes all connections and listeners, and opens none any more. *)

  val length : t -> int
  (** [length t] is the number of connections, TIME-WAIT included. *)

  val input : t -> src:IP.ipaddr -> dst:IP.ipaddr -> Cstruct.t -> unit
  (** [input t ~src ~dst segment] takes a segment, whatever is in it. *)

  val connect : t -> keepalive:Tcb.keepalive option -> IP.ipaddr -> int -> (flow, Tcb.failure) result Lwt.t
  (** [connect t ~keepalive address port] opens a connection from a random port. *)

  val listen : t -> port:int -> keepalive:Tcb.keepalive option -> (flow -> unit Lwt.t) -> unit
  (** [listen t ~port ~keepalive serve] calls [serve] with each connection to [port]. One whose [serve] raises is reset.
  *)

  val unlisten : t -> port:int -> unit

  (** {1 For flows} *)

  val read : flow -> Connection.input Lwt.t
  (** [read flow] waits until there is anything to be read, and is never {!Connection.Nothing_yet}. *)

  val room : flow -> unit Lwt.t
  (** [room flow] waits until the application should write more, or can't any more. *)

  val changed : flow -> unit
  (** [changed flow] is to be called when the application did something to the connection. *)

  val flushed : flow -> unit Lwt.t
  (** [flushed flow] sends what is due at once, and waits for {!Connection.flushed}. *)
end
