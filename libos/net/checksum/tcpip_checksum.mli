(** The checksum of IP, ICMP, UDP and TCP (RFC 1071): the complement of the ones' complement sum of all 16-bit words. *)

val ones_complement : Cstruct.t -> int
(** [ones_complement buffer] is the checksum of [buffer], to be written with {!Cstruct.BE.set_uint16}. It is 0 where
    [buffer] holds a checksum already, and that is right. *)

val ones_complement_list : Cstruct.t list -> int
(** [ones_complement_list buffers] is the checksum of [buffers] one behind the other, whatever their lengths. *)

(** {1 In parts}

    Where a part is the same again and again, such as the pseudoheader of a connection, its sum may be kept. *)

type sum = private int

val sum : Cstruct.t -> sum
val sum_list : Cstruct.t list -> sum

val word : int -> sum
(** [word n] is the sum of the 16-bit number [n] alone. *)

val add : sum -> sum -> sum
(** [add a b] is the sum of what is behind each other, where the first has an even length. *)

val checksum : sum -> int
(** [checksum sum] is the checksum of what [sum] is the sum of. *)
