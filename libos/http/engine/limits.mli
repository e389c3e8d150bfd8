(** How much a client may ask of a server: without limits, one client could take all of a unikernel's memory. *)

type t = {
  head_bytes : int;  (** Of a request's head: its first line and its header fields. *)
  fields : int;  (** Header fields of a request. *)
  body_bytes : int;  (** Of a request's body. *)
  connections : int;  (** Open at once. The next one takes the place of the one that has idled longest. *)
  head_seconds : int;  (** From the first byte of a head to its last, however many come in between. *)
  idle_seconds : int;  (** Between two requests. *)
  body_seconds : int;  (** Between two pieces of a body. *)
  write_seconds : int;  (** Until the connection takes a piece of a response, of {!piece_bytes} at most. *)
}

val default : t
(** 16 KiB, 100 fields, 4 MiB, 1024 connections; 10, 60, 30 and 30 seconds. *)

val piece_bytes : int
(** Bodies go out in pieces of this size: 64 KiB. *)
