(** Segments (RFC 9293, section 3.1). *)

type t = {
  sequence : int;  (** 32 bits. *)
  ack : int;  (** The acknowledgement's 32 bits; counts where {!Flags.ack} is set. *)
  flags : int;
  window : int;  (** As it is in the header: 16 bits, not scaled. *)
  options : Options.t;
  payload : Cstruct.t list;
  length : int;  (** The payload's, bytes. *)
}

module Flags : sig
  val fin : int
  val syn : int
  val rst : int
  val psh : int
  val ack : int
end

val has : t -> int -> bool
(** [has t flags] is whether any of [flags] is set. *)

val space : t -> int
(** [space t] is how many sequence numbers [t] takes: its payload's, and one each for SYN and FIN. *)

val reset : t -> t option
(** [reset t] is what answers [t] where there is no connection (RFC 9293, section 3.10.7.1): nothing if [t] is a reset.
*)

val pp : t Fmt.t

(** {1 On the wire} *)

val source_port : Cstruct.t -> int
val destination_port : Cstruct.t -> int

val header_size : t -> int
(** [header_size t] is the size of the header with its options, bytes. *)

val checksum_at : int
(** [checksum_at] is the place of the checksum in the header. *)

val encode : t -> source_port:int -> destination_port:int -> pseudo:int -> finish:bool -> Cstruct.t -> unit
(** [encode t … buffer] writes the header into [buffer], of {!header_size} bytes. [pseudo] is the ones' complement sum
    of the pseudo-header. The checksum is finished over the header and the payload, or, without [finish], left at
    [pseudo], as network cards want it that go on from there. *)

val minimum : int
(** [minimum] is the size of the smallest header, 20. *)

val decode : Cstruct.t -> t option
(** [decode buffer] is the segment in [buffer], of at least {!minimum} bytes; its payload is part of [buffer]. There is
    none if the header says that it is longer than [buffer], or too short. The checksum is the caller's business. *)
