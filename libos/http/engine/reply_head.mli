(** The head of a response, as bytes. *)

(** How the client finds the end of the body: RFC 9112, section 6.3. *)
type framing =
  | Nothing  (** There is no body, and no field says how long it is. *)
  | As_said  (** There is no body; fields of the response may say how long it would be. *)
  | Length of int
  | Chunked
  | Until_close

val write : Cohttp.Response.t -> framing -> request_version:Cohttp.Code.version -> keep_alive:bool -> bool
(** [write response framing ~request_version ~keep_alive] puts a head together, and is whether the connection stays open:
    [keep_alive], unless the response says otherwise. Line ends within a field become blanks. *)

val joined : string -> int -> Cstruct.t
(** [joined body length] is a new buffer with the head that was last put together, and the first [length] bytes of
    [body]. *)

val text : unit -> string
(** [text ()] is the head that was last put together. *)
