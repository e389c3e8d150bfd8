(** One question to one name server. *)

module Make (Stack : Tcpip.Stack.V4V6) : sig
  val ask :
    Stack.t -> Nameserver.t -> timeout:int64 -> Message.kind -> [ `raw ] Domain_name.t -> Message.reply option Lwt.t
  (** [ask stack server ~timeout kind name] is the reply, unless none has come in [timeout] nanoseconds. *)
end
