(** What can go wrong, and how to say it. *)

type key := Mirage_kv.Key.t

type error =
  [ Mirage_kv.error
  | `Disk of string  (** The block device could not, in its words. *)
  | `Damaged of key  (** What is on the medium is not what was set. *)
  | `Disconnected ]

val pp_error : error Fmt.t

type write_error =
  [ error
  | Mirage_kv.write_error
  | `Key_too_long of key * int  (** The most bytes that it may have. *)
  | `Read_only  (** The block device is. *) ]

val pp_write_error : write_error Fmt.t

type connect_error =
  [ `Disk of string
  | `Too_small of int  (** The least number of bytes. *)
  | `Unknown_content  (** There is something on the device, and it is no store. Nothing was changed. *)
  | `Version of int  (** It is a store in a format of another version. *)
  | `Wrong_size of int * int  (** The size of the store's sectors, and how many of them it had. *)
  | `Damaged of string  (** What is wrong with the store. *)
  | `Read_only  (** The device is, and there is no store on it yet. *) ]

val pp_connect_error : connect_error Fmt.t
