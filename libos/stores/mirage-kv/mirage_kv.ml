module Key = struct
  (* The last segment first. *)
  type t = string list

  let empty = []
  let v text = List.filter (( <> ) "") (List.rev (String.split_on_char '/' text))

  let add key segment =
    if String.contains segment '/' then Fmt.invalid_arg "%S cannot be a segment of a key: it contains a /" segment;
    segment :: key

  let ( / ) = add
  let append key key' = key' @ key
  let ( // ) = append
  let segments = List.rev
  let basename = function [] -> "" | last :: _ -> last
  let parent = function [] -> [] | _ :: rest -> rest
  let compare = List.compare String.compare
  let equal = List.equal String.equal
  let to_string key = "/" ^ String.concat "/" (segments key)
  let pp ppf key = Fmt.string ppf (String.escaped (to_string key))
end

type key = Key.t
type error = [ `Not_found of key | `Dictionary_expected of key | `Value_expected of key ]

let pp_error ppf = function
  | `Not_found key -> Fmt.pf ppf "there is nothing at %a" Key.pp key
  | `Dictionary_expected key -> Fmt.pf ppf "no dictionary is at, or on the way to, %a" Key.pp key
  | `Value_expected key -> Fmt.pf ppf "%a is a dictionary, not a value" Key.pp key

module type RO = sig
  type nonrec error = private [> error ]

  val pp_error : error Fmt.t

  type t

  val disconnect : t -> unit Lwt.t

  type key = Key.t

  val exists : t -> key -> ([ `Value | `Dictionary ] option, error) result Lwt.t
  val get : t -> key -> (string, error) result Lwt.t
  val get_partial : t -> key -> offset:Optint.Int63.t -> length:int -> (string, error) result Lwt.t
  val list : t -> key -> ((key * [ `Value | `Dictionary ]) list, error) result Lwt.t
  val last_modified : t -> key -> (Ptime.t, error) result Lwt.t
  val digest : t -> key -> (string, error) result Lwt.t
  val size : t -> key -> (Optint.Int63.t, error) result Lwt.t
end

type write_error =
  [ error | `No_space | `Rename_source_prefix of key * key | `Already_present of key ]

let pp_write_error ppf = function
  | #error as error -> pp_error ppf error
  | `No_space -> Fmt.string ppf "the store is full"
  | `Rename_source_prefix (source, dest) ->
      Fmt.pf ppf "%a cannot be moved to %a, which is inside it" Key.pp source Key.pp dest
  | `Already_present key -> Fmt.pf ppf "%a is there already" Key.pp key

module type RW = sig
  include RO

  type nonrec write_error = private [> write_error ]

  val pp_write_error : write_error Fmt.t
  val allocate : t -> key -> ?last_modified:Ptime.t -> Optint.Int63.t -> (unit, write_error) result Lwt.t
  val set : t -> key -> string -> (unit, write_error) result Lwt.t
  val set_partial : t -> key -> offset:Optint.Int63.t -> string -> (unit, write_error) result Lwt.t
  val remove : t -> key -> (unit, write_error) result Lwt.t
  val rename : t -> source:key -> dest:key -> (unit, write_error) result Lwt.t
end
