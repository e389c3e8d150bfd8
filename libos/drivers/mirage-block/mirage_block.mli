(** Block devices: fixed-size sectors, read and written by number. The interface of mirage-block 3. *)

type error = [ `Disconnected  (** {!S.disconnect} was called. *) ]
(** What can go wrong with any device. Most have errors of their own beside these. *)

val pp_error : error Fmt.t

type write_error = [ error | `Is_read_only  (** Nothing was written: the device cannot be. *) ]
(** What can go wrong when any device is written. *)

val pp_write_error : write_error Fmt.t

type info = {
  read_write : bool;  (** Whether it can be written. *)
  sector_size : int;  (** In bytes. *)
  size_sectors : int64;  (** How many sectors there are. *)
}
(** What a device is like. *)

val pp_info : info Fmt.t

(** What a unikernel sees of a block device. *)
module type S = sig
  type nonrec error = private [> error ]

  val pp_error : error Fmt.t

  type nonrec write_error = private [> write_error ]

  val pp_write_error : write_error Fmt.t

  type t
  (** A device. *)

  val disconnect : t -> unit Lwt.t
  (** [disconnect t] lets go of [t], once what was asked of it is done. From the call on it takes nothing more. *)

  val get_info : t -> info Lwt.t

  val read : t -> int64 -> Cstruct.t list -> (unit, error) result Lwt.t
  (** [read t sector buffers] fills [buffers], one after another, with what is on [t] from [sector] on. The length of
      each buffer is a multiple of the sector's size. After an error some of the buffers may have been filled. *)

  val write : t -> int64 -> Cstruct.t list -> (unit, write_error) result Lwt.t
  (** [write t sector buffers] puts [buffers], one after another, on [t] from [sector] on. The length of each buffer is
      a multiple of the sector's size. The buffers are not copied: leave them alone until the promise is resolved.
      After an error some of the sectors may have been written. It cannot be cancelled. *)
end
