(** Key-value stores: nested dictionaries of strings. The interface of mirage-kv 6. *)

(** Keys: paths of segments. *)
module Key : sig
  type t

  val empty : t
  (** [empty] has no segments. It is the key of the dictionary that has everything. *)

  val v : string -> t
  (** [v text] is the key with the segments of [text], which are split by ['/']. Empty ones go: ["/a//b"] and ["a/b"] are
      the same. *)

  val add : t -> string -> t
  (** [add key segment] is [key] with [segment] behind it, as it is.

      @raise Invalid_argument if [segment] contains ['/']. *)

  val ( / ) : t -> string -> t
  (** {!add}. *)

  val append : t -> t -> t
  (** [append key key'] is the segments of [key], then those of [key']. *)

  val ( // ) : t -> t -> t
  (** {!append}. *)

  val segments : t -> string list

  val basename : t -> string
  (** [basename key] is the last segment, [""] of {!empty}. *)

  val parent : t -> t
  (** [parent key] is [key] without its last segment, {!empty} of {!empty}. *)

  val compare : t -> t -> int
  val equal : t -> t -> bool

  val pp : t Fmt.t
  (** [pp] prints {!to_string} with escapes for what does not print. *)

  val to_string : t -> string
  (** [to_string key] is the segments with ['/'] before each, and ["/"] of {!empty}. *)
end

type key = Key.t

type error =
  [ `Not_found of key
  | `Dictionary_expected of key  (** There is a value where a dictionary would have to be. *)
  | `Value_expected of key  (** There is a dictionary. *) ]
(** What can go wrong with any store. Most have errors of their own beside these. *)

val pp_error : error Fmt.t

(** A store that can be read. *)
module type RO = sig
  type nonrec error = private [> error ]

  val pp_error : error Fmt.t

  type t
  (** A store. *)

  val disconnect : t -> unit Lwt.t
  (** [disconnect t] lets go of [t], once what was asked of it is done. *)

  type key = Key.t

  val exists : t -> key -> ([ `Value | `Dictionary ] option, error) result Lwt.t
  (** [exists t key] says what [key] stands for, if anything. *)

  val get : t -> key -> (string, error) result Lwt.t

  val get_partial : t -> key -> offset:Optint.Int63.t -> length:int -> (string, error) result Lwt.t
  (** [get_partial t key ~offset ~length] is the part of the value that is [length] bytes long and begins at [offset];
      it is shorter, or empty, where the value ends before. *)

  val list : t -> key -> ((key * [ `Value | `Dictionary ]) list, error) result Lwt.t
  (** [list t key] is what is directly in the dictionary [key], with whole keys. *)

  val last_modified : t -> key -> (Ptime.t, error) result Lwt.t
  (** [last_modified t key] is when the value was last set. Whether dictionaries have such a time is up to the store. *)

  val digest : t -> key -> (string, error) result Lwt.t
  (** [digest t key] is a digest of the value, in binary. Whether dictionaries have one is up to the store. *)

  val size : t -> key -> (Optint.Int63.t, error) result Lwt.t
  (** [size t key] is the length of the value in bytes. *)
end

type write_error =
  [ error
  | `No_space  (** The store is full. *)
  | `Rename_source_prefix of key * key  (** A dictionary cannot be moved into itself. *)
  | `Already_present of key ]
(** What can go wrong when any store is written. *)

val pp_write_error : write_error Fmt.t

(** A store that can be read and written. What a promise that is [Ok] has written is durable. *)
module type RW = sig
  include RO

  type nonrec write_error = private [> write_error ]

  val pp_write_error : write_error Fmt.t

  val allocate : t -> key -> ?last_modified:Ptime.t -> Optint.Int63.t -> (unit, write_error) result Lwt.t
  (** [allocate t key ~last_modified size] makes a value of [size] zero bytes. The key must be new: if not, it is
      [`Already_present]. *)

  val set : t -> key -> string -> (unit, write_error) result Lwt.t
  (** [set t key value] replaces the value of [key], if it has one. *)

  val set_partial : t -> key -> offset:Optint.Int63.t -> string -> (unit, write_error) result Lwt.t
  (** [set_partial t key ~offset part] writes [part] over what the value has at [offset], and makes it longer as needed.
      If it ends before [offset], [part] comes directly behind its end. *)

  val remove : t -> key -> (unit, write_error) result Lwt.t
  (** [remove t key] removes the value, or the dictionary with all that is in it. *)

  val rename : t -> source:key -> dest:key -> (unit, write_error) result Lwt.t
  (** [rename t ~source ~dest] moves a value or a dictionary. A value replaces a value; what is moved to a dictionary goes
      into it, under the last segment of [source]. *)
end
