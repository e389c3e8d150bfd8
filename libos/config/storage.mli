(** Block devices and key-value stores. *)

open Impl

(** {1 Block devices} *)

type block

val block : block typ
(** [Mirage_block.S]. *)

val block_of_file : string -> block t
(** [block_of_file name] is the block device [name], with the contents of a file of the host. For the target [unix] it is
    the path of the file; for others, a folder before the name says nothing. *)

val block_of_xenstore_id : string -> block t

val ramdisk : string -> block t
(** [ramdisk name] is a block device in memory, empty at first. *)

val generic_block :
  ?group:string -> ?key:[ `XenstoreId | `BlockFile | `Ramdisk ] Key.value -> string -> block t

val ccm_block : ?nonce_len:int -> string option Runtime_arg.arg -> block t -> block t

(** {1 Read-only stores} *)

type kv_ro

val kv_ro : kv_ro typ
(** [Mirage_kv.RO]. *)

val crunch : string -> kv_ro t
(** [crunch folder] has the files of [folder], a folder beside [config.ml], which become part of the image. They are in its
    memory once, and are not copied when they are read. *)

val direct_kv_ro : string -> kv_ro t
(** [direct_kv_ro folder] is {!crunch}, but for the target [unix], where upstream reads the folder while it runs: that is
    not here. *)

val generic_kv_ro : ?group:string -> ?key:[ `Crunch | `Direct ] Key.value -> string -> kv_ro t
(** [generic_kv_ro folder] is {!crunch} or {!direct_kv_ro}, as {!Key.kv_ro} says. *)

val tar_kv_ro : block t -> kv_ro t
val fat_ro : block t -> kv_ro t

val docteur :
  ?mode:[ `Fast | `Light ] ->
  ?name:string Key.key ->
  ?output:string Key.key ->
  ?analyze:bool Runtime_arg.arg ->
  ?branch:string ->
  ?extra_deps:string list ->
  string ->
  kv_ro t

(** {1 Stores that can be written} *)

type kv_rw

val kv_rw : kv_rw typ
(** [Mirage_kv.RW]. *)

val direct_kv_rw : string -> kv_rw t

val kv_rw_mem : unit -> kv_rw t
(** [kv_rw_mem ()] is in memory, empty at first. *)

val chamelon : program_block_size:int Runtime_arg.arg -> block t -> kv_rw t
(** [chamelon ~program_block_size block] is a store on [block] that survives power cuts. It is [Log_store] of this library
    OS: upstream's device of this name writes littlefs, and neither can read the other's disks. A disk that is all zero becomes
    an empty store. [program_block_size] says nothing here. *)

val tar_kv_rw : block t -> kv_rw t
