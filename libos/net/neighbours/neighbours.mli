(** Who has which address on a network: what was heard, and asking those who may know. *)

module type ADDRESS = sig
  type t

  val equal : t -> t -> bool
  val hash : t -> int
  val pp : t Fmt.t
end

module Make (Address : ADDRESS) : sig
  type error = [ `Timeout ]
  type t

  val create : ?interval:int64 -> lifetime:int64 -> ask:(?known:Macaddr.t -> Address.t -> unit Lwt.t) -> unit -> t
  (** [create ~lifetime ~ask ()] knows nobody. [ask address] sends a question to everybody, and [ask ~known address] to
      [known] only, of whom nothing was heard for [lifetime] nanoseconds. A question is asked three times, every
      [interval] nanoseconds (one second). *)

  val query : t -> Address.t -> (Macaddr.t, error) result Lwt.t
  (** [query t address] is who has [address]: at once where that is known, else when somebody answers. It gives up when
      nobody does, and at once where too many questions are open. *)

  val heard : t -> Address.t -> Macaddr.t -> unit
  (** [heard t address mac] notes that [mac] has [address], if anybody wanted to know. *)

  val learn : t -> Address.t -> Macaddr.t -> unit
  (** [learn t address mac] notes that [mac] has [address], who will soon be written to. *)

  val forget : t -> Address.t -> unit
  val pp : t Fmt.t
end
