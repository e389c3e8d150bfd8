(** Answers, for as long as they may be kept. *)

type t

val create : int -> t
(** [create size] keeps at most [size] names. *)

val find : t -> now:int64 -> Message.kind -> [ `raw ] Domain_name.t -> Ipaddr.t list option
(** [find t ~now kind name] is what was kept, if it may be used [now], in nanoseconds. *)

val keep : t -> now:int64 -> Message.kind -> [ `raw ] Domain_name.t -> (Ipaddr.t * int) list -> unit
(** [keep t ~now kind name addresses] keeps addresses with the seconds that they may be used for. *)
