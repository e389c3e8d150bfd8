(** Disks, as a target offers them: requests that are begun, filled with buffers and submitted, and complete later, in
    any order.

    This is what drivers are written on ([libos/drivers/block]). Nothing here is checked. *)

type place = int
(** Where the target finds a disk: its place among all devices in the order of [config.ml], from 0; at most 14 have one.
    For the target [xen], which numbers each kind of device by itself, its place among the disks. *)

type buffer = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t

type info = {
  read_write : bool;
  sector_size : int;
  sectors : int;
  flushes : bool;  (** What is written may be in a cache until it is flushed. *)
  segments : int;  (** The most buffers of one request. *)
  bytes : int;  (** The most bytes of one request, a multiple of [sector_size]. *)
  room : int;  (** How much room there is for requests: each takes two, and one for each buffer. *)
}

external connect : place -> string -> info = "unikernel_disk_connect"
(** [connect place name] makes the disk ready. [name] is how [config.ml] calls it; for the target [unix] it is the path
    of a file.

    @raise Failure with the reason if there is none.

    C: [value unikernel_disk_connect(value place, value name)]. *)

(** {1 Requests} *)

type kind = Read | Write | Flush

external start : place -> kind -> (int[@untagged]) -> unit = "unikernel_disk_start_byte" "unikernel_disk_start"
  [@@noalloc]
(** [start place kind sector] begins a request, of which there is one at a time for a disk.

    C: [value unikernel_disk_start(value place, value kind, intnat sector)]. *)

external add : place -> buffer -> (int[@untagged]) -> (int[@untagged]) -> unit
  = "unikernel_disk_add_byte" "unikernel_disk_add"
  [@@noalloc]
(** [add place buffer offset length] adds a part of a buffer to the request. The caller keeps the buffer alive until the
    request is complete.

    C: [value unikernel_disk_add(value place, value buffer, intnat offset, intnat length)]. *)

external submit : place -> (int[@untagged]) = "unikernel_disk_submit_byte" "unikernel_disk_submit" [@@noalloc]
(** [submit place] hands the request to the disk. The disk begins, with all that it was handed, at the latest when the
    program next waits. The result is the request's number, less than [room], which is its own until it is complete. An
    event of the device ({!Platform.wait}) tells of the completion.

    C: [intnat unikernel_disk_submit(value place)]. *)

external complete : place -> (int[@untagged]) = "unikernel_disk_complete_byte" "unikernel_disk_complete" [@@noalloc]
(** [complete place] is a request that has become complete: twice its number, plus 1 if the disk failed; or [-1] if there
    is none.

    C: [intnat unikernel_disk_complete(value place)]. *)
