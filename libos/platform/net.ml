type place = int
type buffer = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t
type info = { mac : string; mtu : int; header : int; room : int; checksums : bool; segments : bool; large : bool }

external connect : place -> string -> large:bool -> info = "unikernel_net_connect"
external link : place -> bool = "unikernel_net_link" [@@noalloc]

external offer : place -> (int[@untagged]) -> buffer -> (int[@untagged]) -> unit
  = "unikernel_net_offer_byte" "unikernel_net_offer"
  [@@noalloc]

external received : place -> (int[@untagged]) = "unikernel_net_received_byte" "unikernel_net_received" [@@noalloc]

let number answer = answer land 0xffff
let length answer = (answer lsr 16) land 0xffffff
let others answer = (answer lsr 40) land 0xff
let is_checked answer = answer land (1 lsl 48) <> 0
let is_unfinished answer = answer land (1 lsl 49) <> 0

external send : place -> (int[@untagged]) -> buffer -> (int[@untagged]) -> (int[@untagged]) -> unit
  = "unikernel_net_send_byte" "unikernel_net_send"
  [@@noalloc]

external sent : place -> (int[@untagged]) = "unikernel_net_sent_byte" "unikernel_net_sent" [@@noalloc]
