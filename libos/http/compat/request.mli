(** Requests, as cohttp 6 has them. *)

include module type of struct
  include Cohttp.Request
end

val uri : t -> Uri.t
(** [uri request] is the whole URI, put together from the request's target and its host. Most take a twentieth of the
    library's time. *)

val has_body : t -> [ `Yes | `No | `Unknown ]
