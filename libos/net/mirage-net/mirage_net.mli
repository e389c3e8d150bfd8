(** Network interfaces: Ethernet frames out and in. The interface of mirage-net 4. *)

module Net : sig
  type error =
    [ `Invalid_length  (** A frame is longer than the interface takes, or than its buffer. *)
    | `Disconnected  (** {!S.disconnect} was called. *) ]
  (** What can go wrong with any interface. *)

  val pp_error : error Fmt.t
end

type stats = {
  mutable rx_bytes : int64;
  mutable rx_pkts : int32;
  mutable tx_bytes : int64;
  mutable tx_pkts : int32;
}
(** Frames and their bytes, received and sent. *)

(** What a unikernel sees of an interface. *)
module type S = sig
  type error = private [> Net.error ]

  val pp_error : error Fmt.t

  type t
  (** An interface. *)

  val disconnect : t -> unit Lwt.t
  (** [disconnect t] stops {!listen} and takes no more frames. *)

  val write : t -> size:int -> (Cstruct.t -> int) -> (unit, error) result Lwt.t
  (** [write t ~size fill] sends a frame. [fill] is given a zeroed buffer of [size] bytes, at most {!mtu} and the
      Ethernet header, and returns how many of them are the frame. It does not keep the buffer. *)

  val listen : t -> header_size:int -> (Cstruct.t -> unit Lwt.t) -> (unit, error) result Lwt.t
  (** [listen t ~header_size receive] calls [receive] with each frame of at most [header_size + mtu] bytes, and does not
      wait for what it promises. The buffer is [receive]'s. [listen] is resolved after {!disconnect}. *)

  val mac : t -> Macaddr.t
  (** [mac t] is the interface's own address. *)

  val mtu : t -> int
  (** [mtu t] is the most bytes that a frame carries, its Ethernet header not counted. *)

  val get_stats_counters : t -> stats
  val reset_stats_counters : t -> unit
end

(** For those who write interfaces. *)
module Stats : sig
  val create : unit -> stats

  val rx : stats -> int64 -> unit
  (** [rx stats size] counts a frame that was received. *)

  val tx : stats -> int64 -> unit
  (** [tx stats size] counts a frame that was sent. *)

  val reset : stats -> unit
end
