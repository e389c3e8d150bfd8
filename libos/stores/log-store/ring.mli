(** The sectors of the log, by position. *)

type t = { device : Device.t; layout : Layout.t }

val read : t -> int -> Cstruct.t -> (unit, Device.error) result Lwt.t
(** [read t position buffer] fills [buffer], of whole sectors and no longer than the ring. *)

val write : t -> int -> Cstruct.t -> (unit, Device.error) result Lwt.t

val read_extent : t -> Record.extent -> (Cstruct.t, [> Device.error | `Damaged ]) result Lwt.t
(** [read_extent t extent] is the bytes of [extent]: [`Damaged] if they are not those whose checksum it has. *)

val read_extent_unchecked : t -> Record.extent -> (Cstruct.t, Device.error) result Lwt.t
(** The same, whatever the bytes are. *)
