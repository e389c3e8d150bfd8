(** Work that TCP leaves to the network interface: the checksum, and the cutting of a large packet into segments.

    Between the two there are IP and Ethernet, whose interfaces say nothing of it, and perhaps layers that are not ours.
    So both meet here, by the memory of the frame: what is asked counts only while the driver has that very memory
    filled. To whoever else fills a buffer from TCP, the driver's help is not offered. *)

type buffer = Cstruct.buffer

(** {1 For TCP} *)

val packet_most : unit -> int
(** [packet_most ()] is the size of the largest packet, IP header included, that all interfaces cut into segments; 0 if
    there is one that does not. IP lets such a packet of TCP pass if it is not to be fragmented. *)

val ask : Cstruct.t -> checksum_at:int -> segment_size:int -> bool
(** [ask segment ~checksum_at ~segment_size] is called while the header of a segment is written into [segment]. If it is
    true, the interface adds the sum from the beginning of [segment] to the end of the packet to what is [checksum_at]
    bytes behind its beginning, and cuts the payload into pieces of [segment_size] bytes if that is not 0. *)

val is_checked : Cstruct.t -> bool
(** [is_checked segment] is whether the interface knows that the checksum of the received [segment] is right. It does
    while the frame is handed up, not later. *)

(** {1 For drivers} *)

val connected : packet_most:int -> unit
(** [connected ~packet_most] says that there is an interface more, and how large packets it takes; 0 if it cuts none. *)

val want_large : unit -> unit
(** [want_large ()] is for TCP to call when it is linked: it takes frames larger than the MTU, which the other end's
    interface did not cut. *)

val large_wanted : unit -> bool

type request = {
  checksum_from : int;  (** Where the sum begins, counted from the beginning of the frame. *)
  checksum_at : int;  (** Where it goes, counted from there. *)
  segment_size : int;  (** 0: not to be cut. *)
}

val filling : buffer -> unit
(** [filling memory] says that a frame is going to be written into [memory]. *)

val filled : frame:Cstruct.t -> request option
(** [filled ~frame] says that it has been, and is what was asked for. *)

val handing_up : buffer -> unit
(** [handing_up memory] says that a received frame in [memory] has a right checksum of TCP or UDP. *)

val handed_up : unit -> unit
