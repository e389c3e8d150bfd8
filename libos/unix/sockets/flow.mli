(** TCP connections of this machine's. *)

type error = [ Tcpip.Tcp.error | `Reset | `Host of string  (** In the words of this machine. *) ]
type write_error = [ Tcpip.Tcp.write_error | `Host of string ]

include
  Mirage_flow.S with type error := error and type write_error := write_error

val write_nodelay : flow -> Cstruct.t -> (unit, write_error) result Lwt.t
val writev_nodelay : flow -> Cstruct.t list -> (unit, write_error) result Lwt.t

val create : Host.socket -> local:(Ipaddr.t * int) Lazy.t -> remote:Ipaddr.t * int -> flow
(** [create socket ~local ~remote] is the connection of [socket], which from now on belongs to it.

    @raise Failure with the reason if it cannot be watched; the socket is closed then. *)

val connected : flow -> (unit, error) result Lwt.t
(** [connected flow] waits until a connection that was begun is there. *)

val dst : flow -> Ipaddr.t * int
val src : flow -> Ipaddr.t * int

val abort : flow -> unit
(** [abort flow] resets the connection. *)

val on_end : flow -> (unit -> unit) -> unit
(** [on_end flow tell] calls [tell] when the socket is closed. *)
