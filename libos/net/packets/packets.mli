(** Packets put together: of what a layer above fills in, and the payload that follows. *)

val packet_most : int
(** The longest packet that there is. *)

val put : Cstruct.t -> at:int -> size:int -> (Cstruct.t -> int) -> Cstruct.t list -> int
(** [put packet ~at ~size fill payload] has [fill] write into the [size] bytes of [packet] from [at] on, puts [payload]
    behind what it used, and is the place behind that. *)

val content : size:int -> (Cstruct.t -> int) -> Cstruct.t list -> Cstruct.t
(** [content ~size fill payload] is the same in a buffer of its own. *)

val in_pieces :
  step:int ->
  Cstruct.t ->
  (offset:int -> more:bool -> Cstruct.t -> (unit, 'error) result Lwt.t) ->
  (unit, 'error) result Lwt.t
(** [in_pieces ~step content send] sends [content] in fragments of at most [step] bytes, which is a multiple of 8 for all
    but the last, until one cannot be sent. *)
