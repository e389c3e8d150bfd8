type place = int
type buffer = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t

type info = {
  read_write : bool;
  sector_size : int;
  sectors : int;
  flushes : bool;
  segments : int;
  bytes : int;
  room : int;
}

external connect : place -> string -> info = "unikernel_disk_connect"

type kind = Read | Write | Flush

external start : place -> kind -> (int[@untagged]) -> unit = "unikernel_disk_start_byte" "unikernel_disk_start"
  [@@noalloc]

external add : place -> buffer -> (int[@untagged]) -> (int[@untagged]) -> unit
  = "unikernel_disk_add_byte" "unikernel_disk_add"
  [@@noalloc]

external submit : place -> (int[@untagged]) = "unikernel_disk_submit_byte" "unikernel_disk_submit" [@@noalloc]
external complete : place -> (int[@untagged]) = "unikernel_disk_complete_byte" "unikernel_disk_complete" [@@noalloc]
