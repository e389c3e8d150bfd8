(** Devices, functors and jobs, and how they are put together.

    The types are there to check [config.ml]; what is behind them is one untyped tree. *)

type +'a typ
(** A module type. *)

val typ : 'a -> 'a typ
(** [typ witness] is a module type of one's own, as in [type cache = CACHE let cache = typ CACHE]. *)

val ( @-> ) : 'a typ -> 'b typ -> ('a -> 'b) typ
(** [a @-> b] is the type of functors from [a] to [b]. *)

val abstract_type : unit -> 'a typ
(** [abstract_type ()] is a module type of which there are no witnesses. *)

type +'a t
(** A module of type ['a], and how to connect it. *)

val ( $ ) : ('a -> 'b) t -> 'a t -> 'b t
(** [f $ x] applies the functor [f] to [x]. *)

type abstract

val dep : 'a t -> abstract
(** [dep x] is [x], whatever its type. *)

val if_ : bool Key.value -> 'a t -> 'a t -> 'a t
val match_ : 'b Key.value -> default:'a t -> ('b * 'a t) list -> 'a t

val unsupported : string -> 'a t
(** [unsupported name] is a device that upstream has and we have not: a configuration that uses it is refused. *)

(** {1 Code} *)

type +'a code
(** An OCaml expression of type ['a Lwt.t]. *)

val code : pos:Runtime_arg.pos -> ('a, Format.formatter, unit, 'b code) format4 -> 'a
val code_text : 'a code -> string

(** What the code of a device may depend on. *)
module Info : sig
  type t = {
    name : string;  (** What the unikernel is called. *)
    target : Key.mode;
    hardware : (string * string) list;  (** Names and kinds of the devices on the bus, in its order. *)
  }

  val place : t -> name:string -> kind:string -> int
  (** [place info ~name ~kind] is the place of a device on the bus, as [Platform] counts it for the target. *)
end

(** {1 Devices} *)

type kind =
  | Library  (** Gives packages only: nothing to connect. *)
  | Device
  | Hardware of { name : string; kind : string }  (** A device on the bus. *)
  | Files of { folder : string }  (** Its module is made from the files of a folder beside [config.ml]. *)
  | Start of { pos : Runtime_arg.pos option }  (** A job: its code calls [start]. *)

type device = private {
  id : int;
  kind : kind;
  variable : string;  (** What to call it in the entry module. *)
  module_name : string;
  packages : Package.t list Key.value;
  local_libs : string list;
  runtime_args : Runtime_arg.t list;
  keys : Key.t list;
  extra_deps : abstract list;
  connect : Info.t -> string -> string list -> string;
}

val v :
  ?kind:kind ->
  ?variable:string ->
  ?packages:Package.t list ->
  ?packages_v:Package.t list Key.value ->
  ?local_libs:string list ->
  ?runtime_args:Runtime_arg.t list ->
  ?keys:Key.t list ->
  ?extra_deps:abstract list ->
  ?connect:(Info.t -> string -> string list -> 'a code) ->
  string ->
  'a typ ->
  'a t
(** [v module_name typ] is a device, or a functor that makes one. [connect info module_name args] is the code that
    connects it: [args] are expressions for its functor arguments, then for [extra_deps], then for
    [runtime_args]. *)

val over :
  ?packages:Package.t list ->
  ?runtime_args:Runtime_arg.t list ->
  ?labels:string list ->
  ?variable:string ->
  string ->
  'a typ ->
  'a t
(** [over functor typ] is a device that is connected with what the functor's arguments are connected to. The values of
    [runtime_args], of which there is one for each of [labels], go before with these: ["~ttl:"]. *)

val once : ('key -> 'a t) -> 'key -> 'a t
(** [once make] is [make], but for one key, such as a name, it always is the same device. *)

val main :
  ?pos:Runtime_arg.pos ->
  ?packages:Package.t list ->
  ?packages_v:Package.t list Key.value ->
  ?local_libs:string list ->
  ?runtime_args:Runtime_arg.t list ->
  ?deps:abstract list ->
  string ->
  'a typ ->
  'a t
(** [main module_name typ] is a job: it calls [start] of [module_name], with the same arguments as {!v}'s
    [connect]. *)

(** {1 Looking inside} *)

val resolve : abstract -> device * abstract list
(** [resolve x] makes the choices of {!if_} and {!match_}, and is the device at the head of [x] with the arguments that
    it is applied to. It refuses what is {!unsupported}. *)

val all_keys : abstract list -> Key.t list
(** [all_keys xs] is every key of [xs], whichever way the choices go. *)
