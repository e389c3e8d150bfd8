(** The options of a TCP header (RFC 9293, section 3.2; RFC 7323; RFC 2018). *)

type t = {
  mss : int;  (** Maximum segment size, bytes; 0 if not given. *)
  window_scale : int;  (** The shift of windows; -1 if not given. *)
  sack_permitted : bool;
  ts_value : int;  (** The timestamp's 32 bits; -1 if not given. *)
  ts_echo : int;
  sack : (int * int) list;  (** Blocks that were received: first sequence number, and that behind the last; 32 bits. *)
}

val none : t

val size : t -> int
(** [size t] is how many bytes {!write} needs, a multiple of 4. *)

val write : t -> Cstruct.t -> int -> unit
(** [write t buffer offset] writes [t]. *)

val read : Cstruct.t -> int -> int -> t
(** [read buffer offset length] reads the options there. What is unknown is skipped; behind what is malformed nothing
    more is read. *)
