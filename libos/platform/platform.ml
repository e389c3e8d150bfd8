external monotonic_ns : unit -> (int64[@unboxed])
  = "unikernel_monotonic_ns_byte" "unikernel_monotonic_ns"
  [@@noalloc]

external wall_ns : unit -> (int64[@unboxed])
  = "unikernel_wall_ns_byte" "unikernel_wall_ns"
  [@@noalloc]

external wait : deadline:(int64[@unboxed]) -> (int[@untagged])
  = "unikernel_wait_byte" "unikernel_wait"
  [@@noalloc]

let console = 1
let device place = 1 lsl (place + 1)

external console_read : bytes -> (int[@untagged]) -> (int[@untagged]) -> (int[@untagged])
  = "unikernel_console_read_byte" "unikernel_console_read"
  [@@noalloc]

external entropy : bytes -> unit = "unikernel_entropy" [@@noalloc]
external stamp : string -> unit = "unikernel_stamp" [@@noalloc]

module Disk = Disk
module Net = Net
