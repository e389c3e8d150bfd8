(** The modules and devices of one image: choices made, what is the same shared, each after what it needs. *)

type instance = {
  id : int;
  device : Impl.device;
  variable : string;  (** The variable that connects it. *)
  module_path : string;  (** Its module: for a functor the name of the application. *)
  args : instance list;  (** Functor arguments. *)
  deps : instance list;  (** What has to be connected before. *)
}

type t = {
  instances : instance list;  (** Each after its arguments and dependencies. *)
  init : instance list;  (** What runs before the jobs, in order; it is part of [instances]. *)
  jobs : instance list;
}

val build : names:Name.scope -> init:Impl.abstract list -> Impl.abstract list -> t
(** [build ~names ~init jobs] applies the same functor to the same arguments once. Variables and modules get their
    names from [names].

    @raise Refusal.Refused if it needs a device that is not there. *)

val runtime_args : t -> Runtime_arg.t list
(** [runtime_args graph] has each argument once, in the order of its first use. *)

val packages : t -> Package.t list
(** [packages graph] has everything that a module or an argument needs. *)

val local_libs : t -> string list

val files : t -> (string * string) list
(** [files graph] is each module that is made from files, and their folder. *)

val hardware : t -> (string * string) list
(** [hardware graph] is the name and kind of each device on the bus, in its order. *)

val unique : 'a list -> 'a list
(** [unique items] has each of [items] once, at its first place. *)
