(** What is asked of a block device, checked, and cut into what a disk takes at a time. *)

type segment = { buffer : Platform.Disk.buffer; offset : int; length : int }
(** Contiguous memory. *)

type error =
  [ `Unaligned_buffer of int  (** The length of a buffer that is no multiple of the sector's size. *)
  | `Out_of_range of int64 * int64  (** The first sector and the number of sectors: not all are on the device. *) ]

val pp_error : error Fmt.t

val check : Mirage_block.info -> int64 -> Cstruct.t list -> (unit, [> error ]) result
(** [check info sector buffers] says whether [buffers] can be moved from or to [sector] and those behind it. *)

val requests :
  sector_size:int -> segments:int -> bytes:int -> int64 -> Cstruct.t list -> (int * segment list) list
(** [requests ~sector_size ~segments ~bytes sector buffers] is the first sector and the memory of each request, of at most
    [segments] segments and [bytes] bytes, a multiple of [sector_size]. Neighbours in memory become one segment;
    empty buffers go. *)
