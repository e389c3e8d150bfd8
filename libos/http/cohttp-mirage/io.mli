(** Reading and writing a connection the way cohttp does. *)

module Make (F : Mirage_flow.S) : sig
  include
    Cohttp_lwt.S.IO
      with type ic = Http_engine.Channel.Make(F).t
       and type oc = Http_engine.Channel.Make(F).t
       and type conn = F.flow

  val refill : ic -> [ `Ok | `Eof ] Lwt.t
  (** [refill ic] waits for more input. *)

  val with_input_buffer : ic -> f:(string -> pos:int -> len:int -> 'a * int) -> 'a
  (** [with_input_buffer ic ~f] is what [f] makes of the input that is there: it is given a string and the place and
      length of the input in it, and also says how many bytes it has used up. *)
end
