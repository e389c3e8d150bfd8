open Lwt.Infix
open Http_engine

(* A server may take its time, but not all of it. *)
let patience_seconds = 60
let deadlines = lazy (Deadlines.create ~sleep:Mirage_sleep.ns)

let no_tls = "https needs TLS, which the offline toolchain does not have; labkit build --toolchain opam has it"

module Make (Resolver : Resolver_mirage.S) (Conduit : Conduit_mirage.S) = struct
  module IO = Io.Make (Conduit.Flow)
  module Channel = Channel.Make (Conduit.Flow)

  module Net = struct
    module IO = IO

    type ctx = (Resolver.t * Conduit.t) option

    let sexp_of_ctx _ = Sexplib0.Sexp.Atom "context"
    let default_ctx = None

    let client : Resolver_mirage.endpoint -> Conduit_mirage.client Lwt.t = function
      | `TCP _ as place -> Lwt.return place
      | `Unknown reason -> Lwt.fail_with reason
      | `TLS _ -> Lwt.fail_with no_tls

    let connect_uri ~ctx uri =
      match ctx with
      | None -> Lwt.fail_with "a request needs a context: pass ~ctx"
      | Some (resolver, conduit) ->
          Resolver.resolve_uri ~uri resolver >>= client >>= Conduit.connect conduit >|= fun flow ->
          let channel = Channel.create ~patience:patience_seconds Limits.default (Lazy.force deadlines) flow in
          (flow, channel, channel)

    let close_in _ = ()
    let close_out _ = ()
    let close ic _ = Lwt.async (fun () -> Channel.close ic)
  end

  include Cohttp_lwt.Make_client (IO) (Net)

  let ctx resolver conduit = Some (resolver, conduit)
end
