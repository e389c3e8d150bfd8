(** The block devices of a unikernel: disks of the machine, or files for the target [unix]. *)

type error = [ Mirage_block.error | Transfer.error | `Failed of int64  (** The disk could not: its first sector. *) ]
type write_error = [ error | Mirage_block.write_error ]

include Mirage_block.S with type error := error and type write_error := write_error

val connect : place:int -> string -> t Lwt.t
(** [connect ~place name] is the device at [place] in the order of [config.ml], where it is called [name]. Whoever connects
    to a place again gets the same device.

    The promise is rejected with [Failure] if the device is not there. *)

val flush : t -> (unit, write_error) result Lwt.t
(** [flush t] is resolved when all writes that were resolved before the call are on the medium, so that they survive a
    power cut of the machine that has the disk. *)
