(** Block devices that say when what was written will survive a power cut. Upstream's have no word for it; both [Block] and
    [Ramdisk] are such devices here. *)

module type S = sig
  include Mirage_block.S

  val flush : t -> (unit, write_error) result Lwt.t
  (** [flush t] is resolved when all writes that were resolved before the call are on the medium. A write that no flush
      came after may be lost, or not, whatever the order of the writes, each sector by itself. *)
end
