type t = int

let[@inline] wire t = t land 0xffff_ffff

(* The low 32 bits of the difference, as a signed number. *)
let[@inline] near reference wire = reference + (((wire - reference) lsl (Sys.int_size - 32)) asr (Sys.int_size - 32))
