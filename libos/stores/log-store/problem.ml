module Key = Mirage_kv.Key

type error = [ Mirage_kv.error | `Disk of string | `Damaged of Key.t | `Disconnected ]

let pp_error ppf = function
  | #Mirage_kv.error as error -> Mirage_kv.pp_error ppf error
  | `Disk reason -> Fmt.string ppf reason
  | `Damaged key -> Fmt.pf ppf "the value of %a is damaged" Key.pp key
  | `Disconnected -> Fmt.string ppf "the store is disconnected"

type write_error = [ error | Mirage_kv.write_error | `Key_too_long of Key.t * int | `Read_only ]

let pp_write_error ppf = function
  | #error as error -> pp_error ppf error
  | #Mirage_kv.write_error as error -> Mirage_kv.pp_write_error ppf error
  | `Key_too_long (key, most) -> Fmt.pf ppf "%a is longer than %d bytes" Key.pp key most
  | `Read_only -> Fmt.string ppf "the device is read-only"

type connect_error =
  [ `Disk of string
  | `Too_small of int
  | `Unknown_content
  | `Version of int
  | `Wrong_size of int * int
  | `Damaged of string
  | `Read_only ]

let pp_connect_error ppf = function
  | `Disk reason -> Fmt.string ppf reason
  | `Too_small least -> Fmt.pf ppf "the device is too small for a store: it takes %d bytes" least
  | `Unknown_content ->
      Fmt.string ppf
        "there is something on the device that is no store, or no longer; only a device that is all zero is made one"
  | `Version version -> Fmt.pf ppf "the store on the device has a format of version %d, which is not known here" version
  | `Wrong_size (sector_size, sectors) ->
      Fmt.pf ppf "the store was made on a device of %d sectors of %d bytes, which this is not" sectors sector_size
  | `Damaged reason -> Fmt.pf ppf "the store on the device is damaged: %s" reason
  | `Read_only -> Fmt.string ppf "there is no store on the device yet, and it is read-only"
