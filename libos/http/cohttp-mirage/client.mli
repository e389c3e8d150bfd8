(** HTTP clients. *)

module Make (Resolver : Resolver_mirage.S) (Conduit : Conduit_mirage.S) : sig
  include Cohttp_lwt.S.Client

  val ctx : Resolver.t -> Conduit.t -> ctx
  (** [ctx resolver conduit] is how servers are found and reached.

      Requests to a server that cannot be found or reached, that goes away or is silent for a minute, and for [https:],
      which the offline toolchain does not have, fail with {!Failure} and the reason. *)
end
