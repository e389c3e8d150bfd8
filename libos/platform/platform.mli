(** What a target supplies to the OCaml half of the library OS.

    Each target ([virtio], [xen], [unix]) implements the C functions named here, and nothing else of it is
    visible to OCaml. Standard output, standard error, the command line ({!Sys.argv}) and the end of the
    program ({!Stdlib.exit}) come the usual way, through the C library. *)

(** {1 Time} *)

external monotonic_ns : unit -> (int64[@unboxed])
  = "unikernel_monotonic_ns_byte" "unikernel_monotonic_ns"
  [@@noalloc]
(** [monotonic_ns ()] is the time since boot in nanoseconds. It never goes backwards.

    C: [int64_t unikernel_monotonic_ns(value unit)]. *)

external wall_ns : unit -> (int64[@unboxed])
  = "unikernel_wall_ns_byte" "unikernel_wall_ns"
  [@@noalloc]
(** [wall_ns ()] is the time since 1970-01-01 00:00:00 UTC in nanoseconds.

    C: [int64_t unikernel_wall_ns(value unit)]. *)

(** {1 Events} *)

external wait : deadline:(int64[@unboxed]) -> (int[@untagged])
  = "unikernel_wait_byte" "unikernel_wait"
  [@@noalloc]
(** [wait ~deadline] idles until a device has an event or {!monotonic_ns} reaches [deadline], whichever is
    first. It returns the set of sources that had an event since the last call, one bit each, and forgets
    them; [0] means that the deadline has passed. If a source already has an event, or the deadline is not in
    the future, it returns at once: [wait ~deadline:0L] polls. [Int64.max_int] means no deadline.

    An event says that something came since the source was last emptied, so whoever waits for it takes
    everything there is, before and after.

    Bit 0 is the console. Bit [n + 1] is the device at place [n].

    C: [intnat unikernel_wait(int64_t deadline)]. *)

val console : int
(** [console] is the bit of the console's input, [1]. *)

val device : int -> int
(** [device place] is the bit of the device at [place]. *)

(** {1 Console input} *)

external console_read : bytes -> (int[@untagged]) -> (int[@untagged]) -> (int[@untagged])
  = "unikernel_console_read_byte" "unikernel_console_read"
  [@@noalloc]
(** [console_read buffer offset length] takes at most [length] bytes that were typed, without waiting, and
    returns how many; [0] means that nothing is there now, and a later {!wait} tells when there is. At the end of
    input it returns [-1]. The bounds are not checked.

    C: [intnat unikernel_console_read(value buffer, intnat offset, intnat length)]. *)

(** {1 Entropy} *)

external entropy : bytes -> unit = "unikernel_entropy" [@@noalloc]
(** [entropy buffer] fills all of [buffer] with bytes that nobody can guess. It is meant for seeds: a program
    takes its random numbers from [Mirage_crypto_rng].

    C: [value unikernel_entropy(value buffer)]. *)

(** {1 Control channel} *)

external stamp : string -> unit = "unikernel_stamp" [@@noalloc]
(** [stamp name] writes the record [stamp name NANOSECONDS] to the control channel, if there is one: the boot
    has reached the stage [name].

    C: [value unikernel_stamp(value name)]. *)

(** {1 Devices} *)

module Disk = Disk
module Net = Net
