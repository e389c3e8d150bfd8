(** Frames: their sizes, their memory, and how many there were. *)

val ethernet_header : int

val packet_most : int
(** The largest packet that there is, IP header included. *)

val most : Platform.Net.info -> int
(** [most info] is the longest frame that goes over the wire. *)

val allocate : Platform.Net.info -> Platform.Net.buffer
(** [allocate info] is a buffer for such a frame, and for what goes before it.

    @raise Out_of_memory if there is no memory for it. *)

val size : Platform.Net.info -> int
(** [size info] is the length of such a buffer. *)

type counts = { mutable frames : int; mutable bytes : int }

val count : counts -> int -> unit
(** [count counts length] counts a frame more. *)
