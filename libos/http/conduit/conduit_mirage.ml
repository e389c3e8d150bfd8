open Lwt.Infix

type client = [ `TCP of Ipaddr.t * int ]
type server = [ `TCP of int ]

module type S = sig
  type flow
  type t

  module Flow : Mirage_flow.S with type flow = flow

  val connect : t -> client -> flow Lwt.t
  val listen : t -> server -> (flow -> unit Lwt.t) -> unit Lwt.t
end

module TCP (Stack : Tcpip.Stack.V4V6) = struct
  module TCP = Stack.TCP

  module Flow = struct
    include TCP

    let write = TCP.write_nodelay
    let writev = TCP.writev_nodelay
  end

  type flow = TCP.flow
  type t = Stack.t

  let connect t (`TCP (address, port)) =
    TCP.create_connection (Stack.tcp t) (address, port) >>= function
    | Ok flow -> Lwt.return flow
    | Error error ->
        Lwt.fail_with (Fmt.str "no connection to %a, port %d: %a" Ipaddr.pp address port TCP.pp_error error)

  let listen t (`TCP port) serve =
    TCP.listen (Stack.tcp t) ~port serve;
    fst (Lwt.wait ())
end
