(** Frames that the device has received. *)

type t

val create : Platform.Net.place -> Platform.Net.info -> t
(** [create place info] offers the device buffers. Frames are thrown away before somebody {!listen}s.

    @raise Out_of_memory if there is no memory for them. *)

val counts : t -> Frame.counts

val listen : t -> longest:int -> (Cstruct.t -> unit Lwt.t) -> unit
(** [listen t ~longest receive] has [receive] called with each frame of at most [longest] bytes; where TCP takes large
    packets, also with longer ones. *)

val ignore : t -> unit
(** [ignore t] undoes {!listen}. *)

val receive : t -> most:int -> bool
(** [receive t ~most] hands on at most [most] frames; whether there may be more. *)
