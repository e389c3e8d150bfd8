open Lwt.Infix

type endpoint = [ `TCP of Ipaddr.t * int | `TLS of string * endpoint | `Unknown of string ]

module type S = sig
  type t

  val resolve_uri : uri:Uri.t -> t -> endpoint Lwt.t
  val static : (string, port:int -> endpoint) Hashtbl.t -> t
  val localhost : t
end

let usual_port = function "https" | "wss" -> Some 443 | "http" | "ws" -> Some 80 | _ -> None
let is_secure = function Some ("https" | "wss") -> true | Some _ | None -> false

module Make (Stack : Tcpip.Stack.V4V6) = struct
  module Happy_eyeballs = Happy_eyeballs_mirage.Make (Stack)
  module Dns = Dns_client_mirage.Make (Stack) (Happy_eyeballs)

  type t = host:string -> port:int -> endpoint Lwt.t

  let resolve_uri ~uri (t : t) =
    let scheme = Uri.scheme uri in
    let port = match Uri.port uri with Some _ as port -> port | None -> Option.bind scheme usual_port in
    match (Uri.host uri, port) with
    | (None | Some ""), _ -> Lwt.return (`Unknown "the URI has no host")
    | Some _, None -> Lwt.return (`Unknown "the URI has no port, and its scheme no usual one")
    | Some host, Some port -> (
        t ~host ~port >|= function `TCP _ as place when is_secure scheme -> `TLS (host, place) | place -> place)

  let static hosts ~host ~port =
    match Hashtbl.find_opt hosts host with
    | Some place -> Lwt.return (place ~port)
    | None -> Lwt.return (`Unknown (host ^ " is not known"))

  let localhost =
    let hosts = Hashtbl.create 1 in
    Hashtbl.replace hosts "localhost" (fun ~port -> `TCP (Ipaddr.V4 Ipaddr.V4.localhost, port));
    static hosts

  let by_name dns name ~port : endpoint Lwt.t =
    Dns.gethostbyname dns name >>= function
    | Ok address -> Lwt.return (`TCP (Ipaddr.V4 address, port))
    | Error (`Msg reason) -> (
        Dns.gethostbyname6 dns name >|= function
        | Ok address -> `TCP (Ipaddr.V6 address, port)
        | Error _ -> `Unknown reason)

  let without_brackets host =
    let length = String.length host in
    if length > 2 && host.[0] = '[' && host.[length - 1] = ']' then String.sub host 1 (length - 2) else host

  let by_dns dns ~host ~port =
    match Ipaddr.of_string (without_brackets host) with
    | Ok address -> Lwt.return (`TCP (address, port))
    | Error _ -> (
        match Result.bind (Domain_name.of_string host) Domain_name.host with
        | Ok name -> by_name dns name ~port
        | Error (`Msg reason) -> Lwt.return (`Unknown reason))

  let v ?nameservers stack =
    Happy_eyeballs.connect_device stack >>= fun happy_eyeballs ->
    Lwt.catch
      (fun () -> Dns.connect ?nameservers (stack, happy_eyeballs) >|= fun dns -> Ok (by_dns dns))
      (function Invalid_argument reason -> Lwt.return (Error (`Msg reason)) | exn -> Lwt.fail exn)
end
