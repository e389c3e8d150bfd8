(** Network interfaces, as a target offers them: it is given buffers, to receive frames into and to send frames from, and
    gives them back.

    This is what drivers are written on ([libos/drivers/net]). Nothing here is checked. A buffer has a number, of those to
    receive into and of those to send from each its own, which the caller chooses: from 0, below [room]. The caller keeps
    it alive and leaves it alone until it comes back. In a buffer, [header] bytes that belong to the target go before the
    frame.

    What was offered and sent is the device's at the latest at the next {!Platform.wait}, so that frames of one turn of
    the main loop need one exit to the hypervisor. *)

type place = int
(** Where the target finds an interface: its place among all devices in the order of [config.ml], from 0; at most 14 have
    one. For the target [xen], which numbers each kind of device by itself, 16 and its place among the interfaces. *)

type buffer = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t

type info = {
  mac : string;  (** The interface's address: six bytes. *)
  mtu : int;  (** The most bytes of a frame, its Ethernet header not counted. *)
  header : int;  (** How many bytes go before a frame. *)
  room : int;  (** How many buffers to receive into there may be at a time, and how many to send from. *)
  checksums : bool;  (** It finishes checksums of what is sent. *)
  segments : bool;  (** It cuts packets of TCP into segments. *)
  large : bool;  (** It may receive frames that are not cut, and whose checksums are not finished. *)
}

external connect : place -> string -> large:bool -> info = "unikernel_net_connect"
(** [connect place name ~large] makes the interface ready. [name] is how [config.ml] calls it. With [large] it receives
    packets of TCP that are larger than the MTU, if it can.

    @raise Failure with the reason if there is none.

    C: [value unikernel_net_connect(value place, value name, value large)]. *)

external link : place -> bool = "unikernel_net_link" [@@noalloc]
(** [link place] is whether the interface's cable is plugged in. It asks the device, which takes long.

    C: [value unikernel_net_link(value place)]. *)

(** {1 Receiving} *)

external offer : place -> (int[@untagged]) -> buffer -> (int[@untagged]) -> unit
  = "unikernel_net_offer_byte" "unikernel_net_offer"
  [@@noalloc]
(** [offer place number buffer size] lets a frame be received into the first [size] bytes of [buffer].

    C: [value unikernel_net_offer(value place, intnat number, value buffer, intnat size)]. *)

external received : place -> (int[@untagged]) = "unikernel_net_received_byte" "unikernel_net_received" [@@noalloc]
(** [received place] takes back a buffer in which something was received, or is [-1] if there is none. An event of the
    device ({!Platform.wait}) tells when there is.

    If [large], a frame may be spread over several buffers, which are taken back one after another; only the first begins
    with [header]. What is returned holds, from its lowest bit on: 16 bits for the buffer's number, 24 for the length of what
    is in it, [header] not counted, 8 for how many buffers of the same frame follow, one that is set if the checksum needs
    no look, and one that is set if it has to be finished. It has if the frame comes from this machine: where in the frame
    its sum begins is in bytes 6 and 7 of [header], and where it goes, counted from there, in bytes 8 and 9, little-endian.

    C: [intnat unikernel_net_received(value place)]. *)

val number : int -> int
(** [number answer] is the number of the buffer in {!received}'s answer. *)

val length : int -> int
val others : int -> int
val is_checked : int -> bool
val is_unfinished : int -> bool

(** {1 Sending} *)

external send : place -> (int[@untagged]) -> buffer -> (int[@untagged]) -> (int[@untagged]) -> unit
  = "unikernel_net_send_byte" "unikernel_net_send"
  [@@noalloc]
(** [send place number buffer length work] sends the frame of [length] bytes in [buffer]. [work] is what the interface has to
    do with it, or 0. From its lowest bit on: 16 bits for where in the frame the sum for a checksum begins, 8 for where it is
    added, counted from there, 16 for the size of the segments, 0 if it is not to be cut, 8 for the size of all headers, and
    one that is set for IPv6.

    C: [value unikernel_net_send(value place, intnat number, value buffer, intnat length, intnat work)]. *)

external sent : place -> (int[@untagged]) = "unikernel_net_sent_byte" "unikernel_net_sent" [@@noalloc]
(** [sent place] takes back a buffer whose frame is sent: its number, or [-1] if there is none. Where there is no room
    for more frames, an event of the device tells of it.

    C: [intnat unikernel_net_sent(value place)]. *)
