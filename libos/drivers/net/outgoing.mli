(** Frames on their way to the device. *)

type error = Mirage_net.Net.error
type t

val create : Platform.Net.place -> Platform.Net.info -> t
val counts : t -> Frame.counts

val cuts : Platform.Net.info -> bool
(** [cuts info] is whether the device cuts large packets of TCP into segments. *)

val write : t -> size:int -> (Cstruct.t -> int) -> (unit, error) result Lwt.t
(** [write t ~size fill] is {!Mirage_net.S.write}. It is resolved at once where there is room, and has filled the frame in
    any case. *)

val progress : t -> unit
(** [progress t] sends what waited for room, as far as there is some now. *)

val drop : t -> unit
(** [drop t] forgets what waits. *)
