(** Numbers of a new connection that nobody else can guess, though the next connection between the same two ends
    continues them (RFC 6528; RFC 7323, section 7.1). *)

type t = {
  iss : int;  (** The initial sequence number. *)
  ts_offset : int;  (** What is added to the timestamps' clock. *)
}

val create : secret:string -> now:int -> local_port:int -> remote_port:int -> Cstruct.t -> t
(** [create ~secret ~now … addresses] is for a connection between the two ports; [addresses] are bytes with both
    addresses. [now] is in nanoseconds. *)
