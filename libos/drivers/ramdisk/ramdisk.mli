(** Block devices in memory. A sector takes memory once it has been written; others are zero. *)

type error =
  [ Mirage_block.error
  | `Unaligned_buffer of int  (** The length of a buffer that is no multiple of the sector's size. *)
  | `Out_of_range of int64  (** The sector is not on the device, or one behind it. *) ]

type write_error = [ error | Mirage_block.write_error ]

include Mirage_block.S with type error := error and type write_error := write_error

val connect : name:string -> t Lwt.t
(** [connect ~name] is the device called [name]. If there is none, it is made: 65,536 sectors of 512 bytes. *)

val create : name:string -> size_sectors:int64 -> sector_size:int -> (t, [> `Msg of string ]) result Lwt.t
(** [create ~name ~size_sectors ~sector_size] makes the device called [name], unless there is one. *)

val destroy : name:string -> unit
(** [destroy ~name] forgets the device: who connects to [name] again gets an empty one. *)

val flush : t -> (unit, write_error) result Lwt.t
(** [flush t] has nothing to do. *)
