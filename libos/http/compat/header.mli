(** Header fields, as cohttp 6 has them: each value of a field is one of its own. *)

include module type of struct
  include Cohttp.Header
end

val get : t -> string -> string option
(** [get headers name] is the last value of the field [name]. *)

val get_multi : t -> string -> string list
(** [get_multi headers name] has the values of the field [name], in the order in which they were added. *)

val get_multi_concat : ?list_value_only:bool -> t -> string -> string option
(** [get_multi_concat headers name] is all values of the field [name], with commas between. With [~list_value_only:true]
    fields that cannot have a list of values give only the last one. *)

val iter : (string -> string -> unit) -> t -> unit
val map : (string -> string -> string) -> t -> t

val update : t -> string -> (string option -> string option) -> t
(** [update headers name f] gives the field [name] the value that [f] makes of its last one, or takes the field away. *)

val update_all : t -> string -> (string list -> string list) -> t
(** [update_all headers name f] gives the field [name] the values that [f] makes of those it has. *)
