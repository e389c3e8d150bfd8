type t = {
  sequence : int;
  ack : int;
  flags : int;
  window : int;
  options : Options.t;
  payload : Cstruct.t list;
  length : int;
}

module Flags = struct
  let fin = 1
  let syn = 2
  let rst = 4
  let psh = 8
  let ack = 16
end

let[@inline] has t flags = t.flags land flags <> 0
let[@inline] space t = t.length + (t.flags land 1) + ((t.flags lsr 1) land 1)

let reset t =
  if has t Flags.rst then None
  else
    let reply = { t with flags = Flags.rst; window = 0; options = Options.none; payload = []; length = 0 } in
    if has t Flags.ack then Some { reply with sequence = t.ack; ack = 0 }
    else Some { reply with sequence = 0; ack = Sequence.wire (t.sequence + space t); flags = Flags.(rst lor ack) }

let pp ppf t =
  let flag (bit, letter) = if has t bit then letter else "" in
  let flags = List.map flag Flags.[ (fin, "F"); (syn, "S"); (rst, "R"); (psh, "P"); (ack, ".") ] in
  Fmt.pf ppf "%s %d(%d)" (String.concat "" flags) t.sequence t.length;
  if has t Flags.ack then Fmt.pf ppf " ack %d" t.ack;
  Fmt.pf ppf " win %d" t.window

(* Places in the header *)
let sequence_at = 4
let ack_at = 8
let offset_at = 12
let flags_at = 13
let window_at = 14
let checksum_at = 16
let minimum = 20
let[@inline] source_port buffer = Cstruct.BE.get_uint16 buffer 0
let[@inline] destination_port buffer = Cstruct.BE.get_uint16 buffer 2
let[@inline] uint32 buffer offset = Int32.to_int (Cstruct.BE.get_uint32 buffer offset) land 0xffff_ffff
let[@inline] set_uint32 buffer offset value = Cstruct.BE.set_uint32 buffer offset (Int32.of_int value)
let header_size t = minimum + if t.options == Options.none then 0 else Options.size t.options

let encode t ~source_port ~destination_port ~pseudo ~finish buffer =
  Cstruct.BE.set_uint16 buffer 0 source_port;
  Cstruct.BE.set_uint16 buffer 2 destination_port;
  set_uint32 buffer sequence_at t.sequence;
  set_uint32 buffer ack_at t.ack;
  (* The header's length in words, in the upper four bits. *)
  Cstruct.BE.set_uint16 buffer offset_at ((Cstruct.length buffer lsl 10) lor t.flags);
  Cstruct.BE.set_uint16 buffer window_at t.window;
  (* The checksum, and no urgent data. *)
  set_uint32 buffer checksum_at (pseudo lsl 16);
  if t.options != Options.none then Options.write t.options buffer minimum;
  if finish then Cstruct.BE.set_uint16 buffer checksum_at (Tcpip_checksum.ones_complement_list (buffer :: t.payload))

let decode buffer =
  let header = (Cstruct.get_uint8 buffer offset_at lsr 4) * 4 in
  let length = Cstruct.length buffer - header in
  if header < minimum || length < 0 then None
  else
    Some
      {
        sequence = uint32 buffer sequence_at;
        ack = uint32 buffer ack_at;
        flags = Cstruct.get_uint8 buffer flags_at;
        window = Cstruct.BE.get_uint16 buffer window_at;
        options = Options.read buffer minimum (header - minimum);
        payload = (if length = 0 then [] else [ Cstruct.shift buffer header ]);
        length;
      }
