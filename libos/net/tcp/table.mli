(** Connections by both ends. *)

module type Address = sig
  type t

  val equal : t -> t -> bool

  val hash : int -> t -> int
  (** [hash seed address] is not to be guessed by who does not know [seed]. *)
end

module type S = sig
  type address
  type 'a t

  val create : seed:int -> 'a t
  val length : 'a t -> int

  val ports : local:int -> remote:int -> int
  (** [ports ~local ~remote] is the part of a key that is not addresses. *)

  val find : 'a t -> ports:int -> local:address -> remote:address -> 'a option

  val add : 'a t -> ports:int -> local:address -> remote:address -> 'a -> unit
  (** [add t … value] adds [value] under a key that is not there. *)

  val remove : 'a t -> ports:int -> local:address -> remote:address -> unit
  val iter : ('a -> unit) -> 'a t -> unit
end

module Make (Address : Address) : S with type address = Address.t
