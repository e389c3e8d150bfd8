(** A key-value store on a block device that survives power cuts.

    What an operation that was [Ok] has changed is on the medium. After a power cut, at any moment, the store is what it was
    after some operation that was [Ok] or under way, and all that were [Ok] have been: whichever of the sectors that were
    written last have arrived. Every byte that is read has been checked; what the medium does not have as it was written
    is an error, never a value.

    The store is a log. Its format is described in [docs/STORE.md]. In memory it keeps its keys, of which there are 32,768 at
    most, and where their values are: about 150 bytes for each, and the key.

    Operations that are asked for together are written together, with one flush. *)

type error = Problem.error
type write_error = Problem.write_error
type connect_error = Problem.connect_error

val pp_connect_error : connect_error Fmt.t

type space = {
  keys : int;
  used : int;  (** Bytes that values use, with what goes with them; small ones count as 512. *)
  capacity : int;  (** Bytes that values can use: beyond is [`No_space]. *)
}

module Make (Block : Flushed_block.S) : sig
  include Mirage_kv.RW with type error = error and type write_error = write_error

  val connect : ?now:(unit -> Ptime.t) -> Block.t -> (t, connect_error) result Lwt.t
  (** [connect ~now block] is the store on [block], which nobody else may use meanwhile. A device that is all zero becomes
      an empty store. [now] is the clock: the one of {!Mirage_ptime} unless given. *)

  val space : t -> space
end
