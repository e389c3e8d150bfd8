(** What the library [unix] lacks: readiness of sockets, and buffers outside of OCaml's heap. Nothing here is checked. *)

type socket = Unix.file_descr
type buffer = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t

val source : int
(** [source] is the bit of all sockets in {!Platform.wait}'s result. *)

(** {1 Readiness} *)

external watch : socket -> int -> unit = "unikernel_socket_watch"
(** [watch socket number] has changes of [socket] told from now on, until it is closed.

    @raise Failure with the reason if it cannot be. *)

external next : unit -> (int[@untagged]) = "unikernel_sockets_next_byte" "unikernel_sockets_next" [@@noalloc]
(** [next ()] is a socket that something has happened to: eight times its number, plus 1 if it may be read, 2 if it may
    be written, 4 if its peer has ended; or [-1]. *)

(** {1 Bytes}

    None of these waits. Where nothing can be done now the answer is [-1]; the connection was reset, [-2]; its peer is
    silent, [-3]; there is another reason, less than that. *)

external receive : socket -> buffer -> (int[@untagged]) -> (int[@untagged]) -> (int[@untagged])
  = "unikernel_socket_receive_byte" "unikernel_socket_receive"
  [@@noalloc]
(** [receive socket buffer offset length] is how many bytes were received, 0 at the end. *)

val parts_most : int
(** How many parts one {!send} can have. *)

external add : buffer -> (int[@untagged]) -> (int[@untagged]) -> unit
  = "unikernel_socket_add_byte" "unikernel_socket_add"
  [@@noalloc]
(** [add buffer offset length] adds a part to what is sent next. *)

external send : socket -> (int[@untagged]) = "unikernel_socket_send_byte" "unikernel_socket_send" [@@noalloc]
(** [send socket] is how many bytes of those parts were taken; it forgets them. *)

(** {1 Others} *)

external keepalive : socket -> after:int -> interval:int -> probes:int -> unit = "unikernel_socket_keepalive"
  [@@noalloc]
(** [keepalive socket ~after ~interval ~probes] has a silent peer asked; times are in seconds. *)

external control : unit -> socket option = "unikernel_control_descriptor"
(** [control ()] is the control channel, if there is one. *)
