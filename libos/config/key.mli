(** Choices made when an image is configured, by arguments of [config.exe]. *)

module Arg : sig
  type 'a t
  (** How a key is read from the command line. *)

  val opt : 'a Cmdliner.Arg.conv -> 'a -> Cmdliner.Arg.info -> 'a t
  (** [opt conv default info] is an option with a value. *)

  val required : 'a Cmdliner.Arg.conv -> Cmdliner.Arg.info -> 'a option t
  (** [required conv info] is an option that must be given when the configuration uses it. *)

  val flag : Cmdliner.Arg.info -> bool t
  (** [flag info] is [true] if given. *)

  val opt_all : 'a Cmdliner.Arg.conv -> Cmdliner.Arg.info -> 'a list t
  (** [opt_all conv info] may be given several times. *)

  val info :
    ?deprecated:string ->
    ?absent:string ->
    ?docs:string ->
    ?docv:string ->
    ?doc:string ->
    ?env:Cmdliner.Cmd.Env.info ->
    string list ->
    Cmdliner.Arg.info
  (** As {!Cmdliner.Arg.info}. *)
end

(** {1 Keys} *)

type 'a key

type t
(** A key, whatever its type. *)

val create : string -> 'a Arg.t -> 'a key
(** [create name arg] is the key [name], read as [arg] says. *)

val v : 'a key -> t
val name : t -> string

(** {1 Values}

    A value follows from keys. It is computed once the command line has been read. *)

type +'a value

val pure : 'a -> 'a value
val ( $ ) : ('a -> 'b) value -> 'a value -> 'b value
val map : ('a -> 'b) -> 'a value -> 'b value
val if_ : bool value -> 'a -> 'a -> 'a value
val match_ : 'a value -> ('a -> 'b) -> 'b value

val value : 'a key -> 'a value
(** [value key] is what [key] was set to, else its default. *)

(** {1 The target} *)

type mode_unix = [ `Unix | `MacOSX ]
type mode_xen = [ `Xen | `Qubes ]
type mode_solo5 = [ `Hvt | `Spt | `Virtio | `Muen | `Genode ]
type mode_unikraft = [ `Firecracker | `QEMU ]
type mode = [ mode_unix | mode_xen | mode_solo5 | mode_unikraft ]

val target : mode key
(** [--target]. The offline toolchain builds [virtio], [xen] and [unix] images. *)

val target_name : mode -> string
val is_unix : bool value
val is_xen : bool value

val is_solo5 : bool value
(** Whether upstream would build the target upon Solo5. That includes [virtio]. *)

val is_unikraft : bool value

(** {1 Keys of devices}

    [group] goes before the name, to tell apart the keys of two devices of a kind. *)

val kv_ro : ?group:string -> unit -> [ `Crunch | `Direct ] key
val block : ?group:string -> unit -> [ `XenstoreId | `BlockFile | `Ramdisk ] key
val no_dhcp : ?group:string -> unit -> bool key
val utcp : ?group:string -> unit -> bool key
val net : ?group:string -> unit -> [ `OCaml | `Host ] option key

(** {1 For the generator} *)

val keys : 'a value -> t list
(** [keys value] is what [value] depends on. *)

val eval : 'a value -> 'a

val term : t list -> unit Cmdliner.Term.t
(** [term keys] sets [keys] from a command line. *)

val describe : t -> string
(** [describe key] is the name and present value, if it can be printed. *)
