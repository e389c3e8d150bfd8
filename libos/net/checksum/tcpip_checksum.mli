(** The checksum of IP, ICMP, UDP and TCP (RFC 1071): the complement of the ones' complement sum of all 16-bit words. *)

val ones_complement : Cstruct.t -> int
(** [ones_complement buffer] is the checksum of [buffer], to be written with {!Cstruct.BE.set_uint16}. It is 0 where
    [buffer] holds a checksum already, and that is right. *)

val ones_complement_list : Cstruct.t list -> int
(** [ones_complement_list buffers] is the checksum of [buffers] one behind the other, whatever their lengths. *)
