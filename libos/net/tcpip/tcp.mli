(** The Transmission Control Protocol: reliable streams of bytes. The interface of tcpip 9. *)

type error =
  [ `Timeout  (** The peer did not answer in time. *)
  | `Refused  (** The peer answered that nobody listens. *) ]

type write_error = [ error | Mirage_flow.write_error ]

val pp_error : error Fmt.t
val pp_write_error : write_error Fmt.t

(** Asking a silent peer whether it is still there. *)
module Keepalive : sig
  type t = {
    after : Duration.t;  (** How long it has been silent before the first probe. *)
    interval : Duration.t;  (** Between probes. *)
    probes : int;  (** How many may stay unanswered before the connection is given up. *)
  }
end

module type S = sig
  type nonrec error = private [> error ]
  type nonrec write_error = private [> write_error ]
  type ipaddr

  type flow
  (** A connection. *)

  type t

  val disconnect : t -> unit Lwt.t

  include Mirage_flow.S with type flow := flow and type error := error and type write_error := write_error

  val dst : flow -> ipaddr * int
  (** [dst flow] is the peer's address and port. *)

  val src : flow -> ipaddr * int
  (** [src flow] is this end's address and port. *)

  val write_nodelay : flow -> Cstruct.t -> (unit, write_error) result Lwt.t
  (** [write_nodelay flow buffer] writes, and does not hold a small segment back to wait for more. *)

  val writev_nodelay : flow -> Cstruct.t list -> (unit, write_error) result Lwt.t
  (** [writev_nodelay flow buffers] is {!write_nodelay} of several buffers, one after another. *)

  val create_connection : ?keepalive:Keepalive.t -> t -> ipaddr * int -> (flow, error) result Lwt.t
  (** [create_connection t (address, port)] opens a connection. *)

  val listen : t -> port:int -> ?keepalive:Keepalive.t -> (flow -> unit Lwt.t) -> unit
  (** [listen t ~port serve] calls [serve] with each connection that a peer has opened to [port].

      @raise Invalid_argument if [port] is not one of 0 to 65535. *)

  val unlisten : t -> port:int -> unit
  (** [unlisten t ~port] undoes {!listen}; connections that there are stay. *)

  val input : t -> src:ipaddr -> dst:ipaddr -> Cstruct.t -> unit Lwt.t
  (** [input t ~src ~dst segment] takes a segment that IP received. *)
end
