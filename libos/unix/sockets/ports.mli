(** Ports of the unikernel, and the ports of this machine that stand for them.

    Started by hand, a program listens on the unikernel's own ports. Whoever sets [UNIKERNEL_PORTS] says which ports of
    127.0.0.1 stand for which of the unikernel's, as in [8080:80,5300:53/udp], and adds to them and takes from them over
    the control channel while it runs; the unikernel's other ports are then known to nobody else.
    [docs/ARCHITECTURE.md] has the contract. *)

type protocol = Tcp | Udp

val are_mapped : unit -> bool
(** [are_mapped ()] is whether ports of this machine stand for those of the unikernel.

    @raise Failure if [UNIKERNEL_PORTS] says nothing that makes sense. *)

val listen : protocol -> port:int -> (int -> unit -> unit) -> unit
(** [listen protocol ~port opens] calls [opens] with each port of this machine that stands for [port], now and later; it
    opens that port, and what it gives closes it. Of several listeners to a port the last has it.

    @raise Failure if [opens] does. *)

val unlisten : protocol -> port:int -> unit
(** [unlisten protocol ~port] closes all that {!listen} opened. Harmless if nobody listens. *)
