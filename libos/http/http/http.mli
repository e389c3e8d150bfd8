(** Requests, responses and their parts, under the names that cohttp 6 has for them. The types are those of {!Cohttp}. *)

open Unikernel_cohttp

module Version : sig
  type t = Cohttp.Code.version

  val of_string : string -> t
  val to_string : t -> string
  val compare : t -> t -> int
  val pp : t Fmt.t
end

module Method : sig
  type t = Cohttp.Code.meth

  val of_string : string -> t
  val to_string : t -> string
  val compare : t -> t -> int
  val pp : t Fmt.t

  val body_allowed : t -> bool
  (** [body_allowed meth] is whether a request with [meth] may have a body. *)
end

module Status : sig
  type t = Cohttp.Code.status_code

  val of_int : int -> t
  val to_int : t -> int

  val to_string : t -> string
  (** [to_string `OK] is ["200 OK"]. *)

  val reason_phrase_of_code : int -> string
  val compare : t -> t -> int
  val pp : t Fmt.t

  val body_allowed : t -> bool
  (** [body_allowed status] is whether a response with [status] may have a body. *)
end

module Transfer : sig
  type encoding = Cohttp.Transfer.encoding = Chunked | Fixed of int64 | Unknown
end

module Header = Cohttp.Header
module Request = Cohttp.Request
module Response = Cohttp.Response
