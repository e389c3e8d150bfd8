type t = { iss : int; ts_offset : int }

(* RFC 6528 asks for a clock that ticks each 4 microseconds. *)
let tick = 4_000

let create ~secret ~now ~local_port ~remote_port addresses =
  let ports = Bytes.create 4 in
  Bytes.set_uint16_be ports 0 local_port;
  Bytes.set_uint16_be ports 2 remote_port;
  let digest = Digest.string (String.concat "" [ secret; Bytes.unsafe_to_string ports; Cstruct.to_string addresses ]) in
  let word i = Int32.to_int (String.get_int32_be digest i) land 0xffff_ffff in
  { iss = Sequence.wire (word 0 + (now / tick)); ts_offset = word 4 }
