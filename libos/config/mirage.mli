(** The language of [config.ml], as of MirageOS 4.11.

    A configuration says which modules a unikernel is made of, and which devices and packages they need:

    {[
      open Mirage

      let main = main "Unikernel.Main" (block @-> job) ~packages:[ package "duration" ]
      let () = register "hello" [ main $ block_of_file "storage" ]
    ]}

    It is an ordinary OCaml program, linked with this library. *)

(** {1 Modules} *)

type 'a typ = 'a Impl.typ
(** A module type. *)

val typ : 'a -> 'a typ
(** [typ witness] is a module type of one's own, as in [type cache = CACHE let cache = typ CACHE]. *)

val ( @-> ) : 'a typ -> 'b typ -> ('a -> 'b) typ
(** [a @-> b] is the type of functors from [a] to [b]. *)

type 'a impl = 'a Impl.t
(** A module of type ['a], with what it takes to connect it. *)

val ( $ ) : ('a -> 'b) impl -> 'a impl -> 'b impl
(** [f $ x] applies the functor [f] to [x]. *)

type abstract_impl = Impl.abstract

val dep : 'a impl -> abstract_impl
(** [dep x] is [x], whatever its type. *)

(** {1 Packages} *)

type package = Package.t
type scope = Package.scope

val package :
  ?scope:scope ->
  ?build:bool ->
  ?sublibs:string list ->
  ?libs:string list ->
  ?min:string ->
  ?max:string ->
  ?pin:string ->
  ?pin_version:string ->
  string ->
  package
(** [package name] is the library [name]. With [sublibs] it is the libraries [name.SUBLIB], where [""] stands for
    [name] itself; with [libs] exactly those. Versions are not compared: there is one of each here. *)

(** {1 Choices when configuring} *)

module Key : module type of struct
  include Key
end

type 'a key = 'a Key.key
type abstract_key = Key.t
type 'a value = 'a Key.value

val key : 'a key -> abstract_key

val if_impl : bool value -> 'a impl -> 'a impl -> 'a impl
(** [if_impl condition yes no] is [yes] or [no]. *)

val match_impl : 'b value -> default:'a impl -> ('b * 'a impl) list -> 'a impl
(** [match_impl value ~default cases] is the case of [value], or [default] if there is none. *)

(** {1 Arguments when booting} *)

module Runtime_arg : sig
  type 'a arg = 'a Runtime_arg.arg
  (** An argument whose value is of type ['a]. *)

  type t = Runtime_arg.t
  (** An argument, whatever its type. *)

  val create : pos:string * int * int * int -> ?packages:package list -> string -> 'a arg
  (** [create ~pos:__POS__ "Unikernel.port"] is the argument that the term [Unikernel.port] describes. [packages] are
      what the expression needs. *)

  val v : 'a arg -> t

  val logs : ([ `All | `Src of string ] * Logs.level option) list arg
  (** [-l], [--logs]. *)

  val delay : int arg
  (** [--delay]. *)
end

type 'a runtime_arg = 'a Runtime_arg.arg

val runtime_arg : pos:string * int * int * int -> ?packages:package list -> string -> Runtime_arg.t
(** [runtime_arg ~pos term] is [Runtime_arg.(v (create ~pos term))]. *)

(** {1 Devices and jobs} *)

type info

module Info : sig
  type t = info

  val name : t -> string
  (** [name info] is what the unikernel is called. *)
end

type 'a code = 'a Impl.code

val code : pos:string * int * int * int -> ('a, Format.formatter, unit, 'b code) format4 -> 'a
(** [code ~pos:__POS__ format …] is an OCaml expression of type ['b Lwt.t]. *)

val impl :
  ?packages:package list ->
  ?packages_v:package list value ->
  ?local_libs:string list ->
  ?keys:abstract_key list ->
  ?runtime_args:Runtime_arg.t list ->
  ?extra_deps:abstract_impl list ->
  ?connect:(info -> string -> string list -> 'a code) ->
  string ->
  'a typ ->
  'a impl
(** [impl module_name typ] is a device of one's own. [connect info module_name args] is the code that connects it:
    [args] are expressions for its functor arguments, then for [extra_deps], then for [runtime_args]. *)

val connect_err : string -> int -> 'a
(** [connect_err name n] says that the [connect] of [name] takes [n] arguments. *)

val main :
  ?pos:string * int * int * int ->
  ?packages:package list ->
  ?packages_v:package list value ->
  ?local_libs:string list ->
  ?runtime_args:Runtime_arg.t list ->
  ?deps:abstract_impl list ->
  string ->
  'a typ ->
  'a impl
(** [main module_name typ] is a job: when its devices are connected, it calls [start] of [module_name] with them, then
    with [deps], then with the values of [runtime_args]; with [()] if there are none. *)

include module type of struct
  include Basic
end
(** @inline *)

include module type of struct
  include Storage
end
(** @inline *)

include module type of struct
  include Network
end
(** @inline *)

include module type of struct
  include Internet
end
(** @inline *)

include module type of struct
  include Transport
end
(** @inline *)

include module type of struct
  include Protocols
end
(** @inline *)

(** {1 The unikernel} *)

val register :
  ?argv:argv impl ->
  ?reporter:reporter impl ->
  ?sleep:sleep impl ->
  ?ptime:ptime impl ->
  ?mtime:mtime impl ->
  ?random:random impl ->
  ?src:[ `Auto | `None | `Some of string ] ->
  string ->
  job impl list ->
  unit
(** [register name jobs] is the unikernel [name], which runs [jobs] one after another and then ends. *)
