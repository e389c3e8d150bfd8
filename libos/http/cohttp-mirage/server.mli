(** HTTP servers. *)

open Unikernel_cohttp

module type S = sig
  include Cohttp_lwt.S.Server

  val callback : t -> IO.conn -> unit Lwt.t
  (** [callback t flow] answers the requests that come through [flow], until it ends. *)
end

module Flow (F : Mirage_flow.S) : S with type IO.conn = F.flow

module Make (Conduit : Conduit_mirage.S) : sig
  include S with type IO.conn = Conduit.flow

  val listen : Conduit.t -> Conduit_mirage.server -> t -> unit Lwt.t
  (** [listen conduit where t] answers the requests that come in [where]. *)
end

val set_limits : Http_engine.Limits.t -> unit
(** [set_limits limits] is what clients may ask of all servers from then on; {!Http_engine.Limits.default} unless set.
    Upstream has no limits. *)
