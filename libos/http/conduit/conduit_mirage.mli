(** Connections, whatever carries them. The interface of conduit-mirage 8, as far as TCP goes: there is no TLS and no
    vchan. *)

type client = [ `TCP of Ipaddr.t * int  (** Address and port of the server. *) ]
(** Whom to connect to. *)

type server = [ `TCP of int  (** The port to listen on. *) ]
(** Where to listen. *)

module type S = sig
  type flow
  type t

  module Flow : Mirage_flow.S with type flow = flow

  val connect : t -> client -> flow Lwt.t
  (** [connect t client] opens a connection.

      @raise Failure if the server cannot be reached. *)

  val listen : t -> server -> (flow -> unit Lwt.t) -> unit Lwt.t
  (** [listen t server serve] calls [serve] with each connection that comes in. It is never resolved. *)
end

(** Connections over TCP. What is written goes out at once: nothing waits for more to be written. *)
module TCP (Stack : Tcpip.Stack.V4V6) : S with type t = Stack.t and type flow = Stack.TCP.flow
