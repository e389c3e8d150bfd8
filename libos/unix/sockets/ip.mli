(** What this machine's sockets let be seen of IP: its addresses. Packets are its own business: none come to {!input}, and
    {!write} refuses. *)

include Tcpip.Ip.S with type ipaddr = Ipaddr.t and type prefix = Ipaddr.Prefix.t and type t = Addresses.t
