type socket = Unix.file_descr
type buffer = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t

let source = 1 lsl 15

external watch : socket -> int -> unit = "unikernel_socket_watch"
external next : unit -> (int[@untagged]) = "unikernel_sockets_next_byte" "unikernel_sockets_next" [@@noalloc]

external receive : socket -> buffer -> (int[@untagged]) -> (int[@untagged]) -> (int[@untagged])
  = "unikernel_socket_receive_byte" "unikernel_socket_receive"
  [@@noalloc]

let parts_most = 64

external add : buffer -> (int[@untagged]) -> (int[@untagged]) -> unit
  = "unikernel_socket_add_byte" "unikernel_socket_add"
  [@@noalloc]

external send : socket -> (int[@untagged]) = "unikernel_socket_send_byte" "unikernel_socket_send" [@@noalloc]

external keepalive : socket -> after:int -> interval:int -> probes:int -> unit = "unikernel_socket_keepalive"
  [@@noalloc]

external control : unit -> socket option = "unikernel_control_descriptor"
