open Lwt.Infix

module type ADDRESS = sig
  type t

  val equal : t -> t -> bool
  val hash : t -> int
  val pp : t Fmt.t
end

(* Strangers can make up any number of addresses. *)
let known_most = 512
let questions_most = 256
let times = 3

module Make (Address : ADDRESS) = struct
  module Table = Hashtbl.Make (Address)

  type error = [ `Timeout ]
  type answer = (Macaddr.t, error) result

  type known = {
    mac : Macaddr.t;
    answer : answer Lwt.t;  (** [mac], ready to be given. *)
    mutable fresh_until : int64;
    mutable asking : bool;
  }

  type question = { promise : answer Lwt.t; resolver : answer Lwt.u }

  type t = {
    known : known Table.t;
    questions : question Table.t;
    lifetime : int64;
    interval : int64;
    ask : ?known:Macaddr.t -> Address.t -> unit Lwt.t;
  }

  let create ?(interval = 1_000_000_000L) ~lifetime ~ask () =
    { known = Table.create 16; questions = Table.create 4; lifetime; interval; ask }

  let forget t address = Table.remove t.known address

  let forget_oldest t =
    let older address { fresh_until; _ } = function
      | Some (_, until) as oldest when Int64.compare until fresh_until <= 0 -> oldest
      | Some _ | None -> Some (address, fresh_until)
    in
    Option.iter (fun (address, _) -> forget t address) (Table.fold older t.known None)

  let learn t address mac =
    let fresh_until = Int64.add (Mirage_mtime.elapsed_ns ()) t.lifetime in
    ( match Table.find_opt t.known address with
    | Some known when Macaddr.compare known.mac mac = 0 -> known.fresh_until <- fresh_until
    | Some _ | None ->
        if Table.length t.known >= known_most then forget_oldest t;
        Table.replace t.known address { mac; answer = Lwt.return_ok mac; fresh_until; asking = false } );
    match Table.find_opt t.questions address with
    | None -> ()
    | Some { resolver; _ } ->
        Table.remove t.questions address;
        Lwt.wakeup_later resolver (Ok mac)

  let heard t address mac = if Table.mem t.known address || Table.mem t.questions address then learn t address mac

  (* Asks until there is nothing left to ask. *)
  let rec ask_times t left is_open ask =
    if left = 0 || not (is_open ()) then Lwt.return_unit
    else
      ask () >>= fun () ->
      Mirage_sleep.ns t.interval >>= fun () -> ask_times t (left - 1) is_open ask

  let question t address =
    let promise, resolver = Lwt.wait () in
    let own = { promise; resolver } in
    let is_open () = match Table.find_opt t.questions address with Some other -> other == own | None -> false in
    Table.replace t.questions address own;
    Lwt.async (fun () ->
        ask_times t times is_open (fun () -> t.ask address) >|= fun () ->
        if is_open () then begin
          Table.remove t.questions address;
          Lwt.wakeup_later resolver (Error `Timeout)
        end);
    promise

  (* What is known is good enough until it turns out that it is wrong. *)
  let ask_again t address known =
    let is_open () =
      Int64.compare known.fresh_until (Mirage_mtime.elapsed_ns ()) < 0
      && match Table.find_opt t.known address with Some other -> other == known | None -> false
    in
    known.asking <- true;
    Lwt.async (fun () ->
        ask_times t times is_open (fun () -> t.ask ~known:known.mac address) >|= fun () ->
        known.asking <- false;
        if is_open () then forget t address)

  let query t address =
    match Table.find_opt t.known address with
    | Some known ->
        if (not known.asking) && Int64.compare known.fresh_until (Mirage_mtime.elapsed_ns ()) < 0 then
          ask_again t address known;
        known.answer
    | None -> (
        match Table.find_opt t.questions address with
        | Some { promise; _ } -> promise
        | None when Table.length t.questions >= questions_most -> Lwt.return_error `Timeout
        | None -> question t address )

  let pp ppf t = Table.iter (fun address { mac; _ } -> Fmt.pf ppf "%a is at %a@." Address.pp address Macaddr.pp mac) t.known
end
