(** Why a request is not served: the status of the answer, and the reason in words for the client and the log. *)

type t = { status : Cohttp.Code.status_code; reason : string }

exception Refused of t

val raise_ : Cohttp.Code.status_code -> string -> 'a
(** [raise_ status reason] raises {!Refused}. *)

val bad : string -> 'a
(** [bad reason] is [raise_ `Bad_request reason]. *)

val pp : t Fmt.t
