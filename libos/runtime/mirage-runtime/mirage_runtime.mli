(** What a running unikernel knows of itself: its arguments, its name, its log thresholds, its hooks. *)

(** {1 Arguments} *)

val register_arg : 'a Cmdliner.Term.t -> unit -> 'a
(** [register_arg term] has [term] evaluated when the unikernel boots. The function it returns gives the value.

    Call it where modules are initialised, as in [let hello = Mirage_runtime.register_arg term] at top level, and
    the function from [start] on.

    @raise Invalid_argument
      if the arguments have been read already. The returned function raises it if they have not been. *)

val runtime_args : unit -> unit Cmdliner.Term.t list
(** [runtime_args ()] is every registered argument, in the order of registration. *)

val with_argv : unit Cmdliner.Term.t list -> string -> string array -> unit
(** [with_argv terms name argv] evaluates [terms] on the command line [argv] of the unikernel [name]. It exits
    with {!argument_error} if [argv] does not parse, and with {!help_version} if it asks for help. Only the
    first call does anything. *)

val argument_error : int
(** The exit status when the arguments do not parse: 64. *)

val help_version : int
(** The exit status after help was shown: 63. *)

(** {1 Manual sections}

    Titles for [~docs]. The help shows them in this order. *)

val s_http : string
val s_ssh : string
val s_tls : string
val s_he : string
val s_dns : string
val s_net : string
val s_log : string
val s_disk : string

(** {1 Log thresholds} *)

type log_threshold = [ `All | `Src of string ] * Logs.level option
(** The least important level that is shown, of all log sources or of one. [None] shows nothing. *)

module Conv : sig
  val log_threshold : log_threshold Cmdliner.Arg.conv
  (** Reads [LEVEL], [*:LEVEL] and [SOURCE:LEVEL]. *)
end

val logs : log_threshold list Cmdliner.Term.t
(** The argument [-l], [--logs]: thresholds split by commas. *)

val set_level : default:Logs.level option -> log_threshold list -> unit
(** [set_level ~default thresholds] sets the level of all sources, which is [default] if [thresholds] has none
    for [`All], and then of the sources that [thresholds] names. *)

(** {1 Name and delay} *)

val name_k : string option Cmdliner.Term.t
(** The argument [--name]. *)

val name : unit -> string
(** [name ()] is the unikernel's name: the one of [--name], else that of {!set_name}. *)

val set_name : string -> unit
(** [set_name name] says what the configuration calls the unikernel. *)

val delay : int Cmdliner.Term.t
(** The argument [--delay]: seconds to wait before the unikernel starts. *)

(** {1 Hooks}

    Hooks run in the reverse order of their registration. *)

val at_exit : (unit -> unit Lwt.t) -> unit
(** [at_exit hook] runs [hook] before the unikernel ends. *)

val at_enter_iter : (unit -> unit) -> unit
(** [at_enter_iter hook] runs [hook] in each turn of the main loop, before it idles. A hook registered by a hook
    first runs in the next turn. *)

val at_leave_iter : (unit -> unit) -> unit
(** [at_leave_iter hook] runs [hook] in each turn of the main loop, after it idled. *)

(** {1 For the main loop} *)

val run_exit_hooks : unit -> unit Lwt.t
(** [run_exit_hooks ()] runs the hooks one after another. One that fails does not stop the others. *)

val run_enter_iter_hooks : unit -> unit
val run_leave_iter_hooks : unit -> unit
