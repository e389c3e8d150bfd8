type t = { iss : int; ts_offset : int }

(* RFC 6528 asks for a clock that ticks each 4 microseconds. *)
let tick = 4_000

let create ~secret ~now ~local_port ~remote_port addresses =
  let ends = Printf.sprintf "%d %d " local_port remote_port in
  let digest = Digest.string (String.concat "" [ secret; ends; Cstruct.to_string addresses ]) in
  let word i = Int32.to_int (String.get_int32_be digest i) land 0xffff_ffff in
  { iss = Sequence.wire (word 0 + (now / tick)); ts_offset = word 4 }
