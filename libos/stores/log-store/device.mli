(** A block device, as the store sees it: what can go wrong are words. *)

type error = [ `Disk of string ]

type t = {
  read_write : bool;
  sector_size : int;
  sectors : int;
  read : int -> Cstruct.t list -> (unit, error) result Lwt.t;
  write : int -> Cstruct.t list -> (unit, error) result Lwt.t;
  flush : unit -> (unit, error) result Lwt.t;
}

val bind : ('a, 'e) result Lwt.t -> ('a -> ('b, 'e) result Lwt.t) -> ('b, 'e) result Lwt.t
(** Goes on if it went well. *)

val connect : (module Flushed_block.S with type t = 'a) -> 'a -> t Lwt.t
