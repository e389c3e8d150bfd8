(** Reading the log from its start on, much at a time. *)

type t

val make : Ring.t -> until:int -> t
(** [make ring ~until] reads nothing at [until] or behind. *)

val view : t -> int -> int -> (Cstruct.t, Device.error) result Lwt.t
(** [view t position count] is [count] sectors, not more than the longest frame has, as far as they are before [until]. They
    are there until the next call. *)

val view_extent : t -> Record.extent -> (Cstruct.t, Device.error) result Lwt.t
(** [view_extent t extent] is the bytes of an extent, which are before [until]. *)
