(** Flows: reliable streams of bytes, one in each direction. The interface of mirage-flow 5. *)

type write_error = [ `Closed  (** The flow takes nothing more. *) ]
(** What can go wrong when any flow is written. *)

val pp_write_error : write_error Fmt.t

type 'a or_eof = [ `Data of 'a | `Eof ]
(** What a read gives. *)

val pp_or_eof : 'a Fmt.t -> 'a or_eof Fmt.t

module type S = sig
  type error

  val pp_error : error Fmt.t

  type nonrec write_error = private [> write_error ]

  val pp_write_error : write_error Fmt.t

  type flow
  (** One end of a connection. *)

  val read : flow -> (Cstruct.t or_eof, error) result Lwt.t
  (** [read flow] waits for data and is what there is then, at least one byte; the buffer is the caller's. After [`Eof]
      and after an error nothing more can be read, and the caller closes [flow] or shuts it down. *)

  val write : flow -> Cstruct.t -> (unit, write_error) result Lwt.t
  (** [write flow buffer] is resolved when all of [buffer] has been accepted, which does not mean sent: leave the buffer
      alone for good. After an error nothing more can be written. *)

  val writev : flow -> Cstruct.t list -> (unit, write_error) result Lwt.t
  (** [writev flow buffers] writes several buffers, one after another. *)

  val shutdown : flow -> [ `read | `write | `read_write ] -> unit Lwt.t
  (** [shutdown flow mode] ends a direction. Reads then give [`Eof]; writes give [`Closed], once what was written before
      is sent and the peer is told that this was all. *)

  val close : flow -> unit Lwt.t
  (** [close flow] ends both directions and frees what belongs to [flow]. Closing again does nothing. *)
end
