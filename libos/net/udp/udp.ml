open Lwt.Infix

let source = Logs.Src.create "udp" ~doc:"The User Datagram Protocol"

module Log = (val Logs.src_log source : Logs.LOG)

let header_size = 8
let first_free_port = 49_152 (* RFC 6335, section 6 *)

let check_port port =
  if port < 0 || port > 0xffff then invalid_arg (Printf.sprintf "%d is no port: they are 0 to 65535" port)

(* RFC 1812, section 4.3.2.8: bad news in small doses. *)
let answers_per_second = 50

module Make (Ip : Tcpip.Ip.S) = struct
  type ipaddr = Ip.ipaddr
  type error = [ `Ip of Ip.error ]
  type callback = src:ipaddr -> dst:ipaddr -> src_port:int -> Cstruct.t -> unit Lwt.t

  let pp_error ppf (`Ip error) = Ip.pp_error ppf error

  type t = {
    ip : Ip.t;
    listeners : (int, callback) Hashtbl.t;
    mutable answers : int;  (** How many there were in [answers_second]. *)
    mutable answers_second : int64;
  }

  let connect ip = Lwt.return { ip; listeners = Hashtbl.create 4; answers = 0; answers_second = 0L }

  let disconnect t =
    Hashtbl.reset t.listeners;
    Lwt.return_unit

  let listen t ~port receive =
    check_port port;
    Hashtbl.replace t.listeners port receive

  let unlisten t ~port = Hashtbl.remove t.listeners port

  (* Sending *)

  let random_port () =
    let random = String.get_uint16_be (Unikernel_compat.Mirage_crypto_rng.generate 2) 0 in
    first_free_port + (random land 0x3fff)

  let write ?src ?src_port ?ttl ~dst ~dst_port t payload =
    let src_port = match src_port with Some port -> port | None -> random_port () in
    check_port src_port;
    check_port dst_port;
    let length = header_size + Cstruct.length payload in
    let fill header =
      Cstruct.BE.set_uint16 header 0 src_port;
      Cstruct.BE.set_uint16 header 2 dst_port;
      Cstruct.BE.set_uint16 header 4 length;
      Cstruct.BE.set_uint16 header 6 0;
      let pseudoheader = Ip.pseudoheader t.ip ?src dst `UDP length in
      let checksum = Tcpip_checksum.ones_complement_list [ pseudoheader; header; payload ] in
      (* 0 would say that there is none. *)
      Cstruct.BE.set_uint16 header 6 (if checksum = 0 then 0xffff else checksum);
      header_size
    in
    Ip.write t.ip ?ttl ?src dst `UDP ~size:header_size fill [ payload ] >|= Result.map_error (fun error -> `Ip error)

  (* Receiving *)

  let is_version_4 pseudoheader = Cstruct.length pseudoheader = 12

  (* Only over IPv4 there may be no checksum: RFC 8200, section 8.1. *)
  let is_sound ~pseudoheader datagram =
    if Cstruct.BE.get_uint16 datagram 6 = 0 then is_version_4 pseudoheader
    else Tcpip_checksum.ones_complement_list [ pseudoheader; datagram ] = 0

  let may_answer t =
    let second = Int64.div (Mirage_mtime.elapsed_ns ()) 1_000_000_000L in
    if not (Int64.equal second t.answers_second) then begin
      t.answers_second <- second;
      t.answers <- 0
    end;
    t.answers <- t.answers + 1;
    t.answers <= answers_per_second

  (* Not where a datagram went to several: RFC 1122, section 3.2.2. *)
  let refuse t ~src ~dst datagram =
    if Ip.src t.ip ~dst:src <> dst || not (may_answer t) then Lwt.return_unit
    else
      let pseudoheader = Ip.pseudoheader t.ip ~src dst `UDP (Cstruct.length datagram) in
      let message = Unreachable.answer ~pseudoheader datagram in
      Ip.write t.ip ~src:dst src `ICMP (fun _ -> 0) [ message ]
      >|= Result.iter_error (fun error -> Log.debug (fun m -> m "not sent: %a" Ip.pp_error error))

  let input t ~src ~dst datagram =
    let there = Cstruct.length datagram in
    let length = if there < header_size then 0 else Cstruct.BE.get_uint16 datagram 4 in
    if length < header_size || length > there then Lwt.return_unit
    else
      let datagram = Cstruct.sub datagram 0 length in
      if not (is_sound ~pseudoheader:(Ip.pseudoheader t.ip ~src dst `UDP length) datagram) then Lwt.return_unit
      else
        match Hashtbl.find_opt t.listeners (Cstruct.BE.get_uint16 datagram 2) with
        | Some receive ->
            let src_port = Cstruct.BE.get_uint16 datagram 0 in
            receive ~src ~dst ~src_port (Cstruct.shift datagram header_size)
        | None -> refuse t ~src ~dst datagram
end
