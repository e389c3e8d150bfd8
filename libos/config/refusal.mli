(** Why a configuration cannot be built here. *)

type subject =
  | Package of string  (** A package that is not installed. *)
  | Feature of string  (** A device, target or other part of the language that is not there. *)

type t = { error : string;  (** What is wrong. *) hint : string;  (** What to do next. *) subject : subject option }

exception Refused of t

val refuse : ?subject:subject -> hint:string -> ('a, unit, string, 'b) format4 -> 'a
(** [refuse ~hint format …] raises {!Refused}; the format and its arguments say what is wrong. *)

val unsupported : what:string -> string -> 'a
(** [unsupported ~what feature] refuses [feature], which upstream has: [what] says what kind of thing it is. *)

val opam_command : string

val opam_hint : string
(** How to get what the offline toolchain lacks. *)

val to_json : t -> Json.t
