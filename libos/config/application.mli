(** The unikernel as a whole, and the command line of [config.exe]. *)

val register :
  ?argv:Basic.argv Impl.t ->
  ?reporter:Basic.reporter Impl.t ->
  ?sleep:Basic.sleep Impl.t ->
  ?ptime:Basic.ptime Impl.t ->
  ?mtime:Basic.mtime Impl.t ->
  ?random:Basic.random Impl.t ->
  ?src:[ `Auto | `None | `Some of string ] ->
  string ->
  Basic.job Impl.t list ->
  unit
(** [register name jobs] is the unikernel [name], which runs [jobs] one after another and then ends. It does what the
    command line asks for. [src] speaks to opam, and is not looked at. *)
