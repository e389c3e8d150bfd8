(** Packages that a unikernel needs, and the libraries it takes from them. *)

type t

type scope = [ `Switch | `Monorepo ]
(** Where upstream would install a package. It makes no difference here. *)

val v :
  ?scope:scope ->
  ?build:bool ->
  ?sublibs:string list ->
  ?libs:string list ->
  ?min:string ->
  ?max:string ->
  ?pin:string ->
  ?pin_version:string ->
  string ->
  t
(** [v name] is the library [name] of the package [name].

    With [sublibs] it is the libraries [name.SUBLIB], where [""] stands for [name] itself; with [libs] exactly
    those libraries. A package with [build] is for building only: it gives no libraries.

    [scope], [min], [max], [pin] and [pin_version] speak to opam, and are not looked at: the offline toolchain has
    one version of each package, with upstream's interface where a lesson sees it.

    @raise Invalid_argument if both [sublibs] and [libs] are given. *)

val name : t -> string
val libraries : t -> string list

val check : t -> unit
(** [check package] refuses a package with a library that is not installed. *)
