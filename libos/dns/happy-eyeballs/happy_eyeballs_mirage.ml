open Lwt.Infix

type addresses = [ `V4 | `V6 ] -> [ `host ] Domain_name.t -> (Ipaddr.t list, [ `Msg of string ]) result Lwt.t

module type S = sig
  type t
  type stack
  type flow

  val connect_device :
    ?aaaa_timeout:int64 ->
    ?connect_delay:int64 ->
    ?connect_timeout:int64 ->
    ?resolve_timeout:int64 ->
    ?resolve_retries:int ->
    ?timer_interval:int64 ->
    stack ->
    t Lwt.t

  val inject : t -> addresses -> unit
  val connect_ip : t -> (Ipaddr.t * int) list -> ((Ipaddr.t * int) * flow, [> `Msg of string ]) result Lwt.t

  val connect_host :
    t -> [ `host ] Domain_name.t -> int list -> ((Ipaddr.t * int) * flow, [> `Msg of string ]) result Lwt.t

  val connect : t -> string -> int list -> ((Ipaddr.t * int) * flow, [> `Msg of string ]) result Lwt.t
end

module Make (Stack : Tcpip.Stack.V4V6) = struct
  module TCP = Stack.TCP

  type stack = Stack.t
  type flow = TCP.flow
  type t = { stack : stack; delay : int64; timeout : int64; mutable addresses : addresses }

  let unknown _ name = Lwt.return (Error (`Msg (Fmt.str "%a: there is no DNS client to ask" Domain_name.pp name)))

  let connect_device ?aaaa_timeout:_ ?(connect_delay = Duration.of_ms 250) ?(connect_timeout = Duration.of_sec 10)
      ?resolve_timeout:_ ?resolve_retries:_ ?timer_interval:_ stack =
    Lwt.return { stack; delay = connect_delay; timeout = connect_timeout; addresses = unknown }

  let inject t addresses = t.addresses <- addresses
  let pp_place ppf (address, port) = Fmt.pf ppf "%a, port %d" Ipaddr.pp address port

  (* Each attempt waits for the one before to fail, or for a while. The first connection is taken, others are closed. *)
  let connect_ip t places =
    let result, resolver = Lwt.wait () in
    let finish outcome = if Lwt.is_sleeping result then Lwt.wakeup_later resolver outcome in
    let attempt place =
      TCP.create_connection (Stack.tcp t.stack) place >>= function
      | Ok flow when Lwt.is_sleeping result ->
          finish (Ok (place, flow));
          Lwt.return_none
      | Ok flow -> TCP.close flow >|= fun () -> None
      | Error error -> Lwt.return_some (Fmt.str "%a: %a" pp_place place TCP.pp_error error)
    in
    let rec attempts = function
      | [] -> Lwt.return []
      | place :: places ->
          let first = attempt place in
          Lwt.choose [ (first >|= ignore); Mirage_sleep.ns t.delay ] >>= fun () ->
          let others = if Lwt.is_sleeping result then attempts places else Lwt.return [] in
          Lwt.both first others >|= fun (reason, reasons) -> Option.to_list reason @ reasons
    in
    let reasons = function [] -> "there is no address" | reasons -> String.concat "; " reasons in
    let failed = attempts places >|= fun found -> finish (Error (`Msg (reasons found))) in
    let late =
      Mirage_sleep.ns t.timeout >|= fun () ->
      let places = Fmt.(str "%a" (list ~sep:(any "; ") pp_place) places) in
      finish (Error (`Msg (Fmt.str "%s: no answer in %g s" places (Duration.to_f t.timeout))))
    in
    Lwt.dont_wait (fun () -> failed) raise;
    Lwt.dont_wait (fun () -> late) (function Lwt.Canceled -> () | exn -> raise exn);
    Lwt.on_success result (fun _ -> Lwt.cancel late);
    result

  let with_ports addresses ports = List.concat_map (fun address -> List.map (fun port -> (address, port)) ports) addresses

  let connect_host t name ports =
    Lwt.both (t.addresses `V6 name) (t.addresses `V4 name) >>= function
    | Ok v6, Ok v4 -> connect_ip t (with_ports (v6 @ v4) ports)
    | Ok addresses, Error _ | Error _, Ok addresses -> connect_ip t (with_ports addresses ports)
    | Error _, Error (`Msg reason) -> Lwt.return (Error (`Msg reason))

  let connect t host ports =
    match Ipaddr.of_string host with
    | Ok address -> connect_ip t (with_ports [ address ] ports)
    | Error _ -> (
        match Result.bind (Domain_name.of_string host) Domain_name.host with
        | Ok name -> connect_host t name ports
        | Error (`Msg reason) -> Lwt.return (Error (`Msg reason)))
end
