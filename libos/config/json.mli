(** JSON, written only. *)

type t = Bool of bool | Int of int | String of string | List of t list | Object of (string * t) list

val to_line : t -> string
(** [to_line json] is [json] on one line. *)

val to_text : t -> string
(** [to_text json] is [json] as people like to read it, with a newline at the end. Lists of plain values stay on one
    line. *)
