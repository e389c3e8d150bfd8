type buffer = Cstruct.buffer
type request = { checksum_from : int; checksum_at : int; segment_size : int }

let nothing = Cstruct.empty.buffer

(* The interfaces that there are *)

let most = ref (-1)
let packet_most () = max 0 !most
let connected ~packet_most = most := if !most < 0 then packet_most else min !most packet_most
let wanted = ref false
let want_large () = wanted := true
let large_wanted () = !wanted

(* Out *)

let filled_now = ref nothing
let asked = ref None

let filling memory =
  filled_now := memory;
  asked := None

let ask { Cstruct.buffer; off; _ } ~checksum_at ~segment_size =
  buffer == !filled_now
  && begin
       asked := Some { checksum_from = off; checksum_at; segment_size };
       true
     end

let filled ~frame =
  filled_now := nothing;
  match !asked with
  | None -> None
  | Some request ->
      asked := None;
      Some { request with checksum_from = request.checksum_from - frame.Cstruct.off }

(* In *)

let checked = ref nothing
let handing_up memory = checked := memory
let handed_up () = checked := nothing
let is_checked { Cstruct.buffer; _ } = buffer == !checked
