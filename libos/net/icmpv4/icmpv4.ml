open Lwt.Infix

let source = Logs.Src.create "icmpv4" ~doc:"The Internet Control Message Protocol"

module Log = (val Logs.src_log source : Logs.LOG)

module type S = sig
  type t

  val disconnect : t -> unit Lwt.t

  type ipaddr = Ipaddr.V4.t
  type error

  val pp_error : error Fmt.t
  val input : t -> src:ipaddr -> dst:ipaddr -> Cstruct.t -> unit Lwt.t
  val write : t -> ?src:ipaddr -> dst:ipaddr -> ?ttl:int -> Cstruct.t -> (unit, error) result Lwt.t
end

let header_size = 8
let echo_reply = 0
let unreachable = 3
let echo_request = 8
let time_exceeded = 11

(* RFC 792 and 1812, section 5.2.7.1 *)
let unreachable_reason = function
  | 0 -> "the network is unreachable"
  | 1 -> "the host is unreachable"
  | 2 -> "the protocol is unknown"
  | 3 -> "nobody listens at the port"
  | 4 -> "a packet is too big and must not be fragmented"
  | 9 | 10 | 13 -> "it is prohibited"
  | code -> Printf.sprintf "code %d" code

module Make (Ip : Tcpip.Ip.S with type ipaddr = Ipaddr.V4.t) = struct
  type t = { ip : Ip.t }
  type ipaddr = Ipaddr.V4.t
  type error = [ `Ip of Ip.error ]

  let pp_error ppf (`Ip error) = Ip.pp_error ppf error
  let connect ip = Lwt.return { ip }
  let disconnect _ = Lwt.return_unit

  let send t ?src ~dst ?ttl ~size fill payload =
    Ip.write t.ip ?ttl ?src dst `ICMP ~size fill payload >|= Result.map_error (fun error -> `Ip error)

  let write t ?src ~dst ?ttl message = send t ?src ~dst ?ttl ~size:0 (fun _ -> 0) [ message ]

  let log_unsent promise =
    promise >|= Result.iter_error (fun error -> Log.debug (fun m -> m "not sent: %a" pp_error error))

  (* The message comes back as it is but for its type. *)
  let answer t ~src ~dst message =
    let payload = Cstruct.shift message header_size in
    let fill header =
      Cstruct.blit message 0 header 0 header_size;
      Cstruct.set_uint8 header 0 echo_reply;
      Cstruct.BE.set_uint16 header 2 0;
      Cstruct.BE.set_uint16 header 2 (Tcpip_checksum.ones_complement_list [ header; payload ]);
      header_size
    in
    log_unsent (send t ~src:dst ~dst:src ~size:header_size fill [ payload ])

  (* Behind the header is that of the packet which this is about. *)
  let log_trouble ~src message what =
    let packet = Cstruct.shift message header_size in
    let about =
      if Cstruct.length packet < 20 then ""
      else Fmt.str " (a packet to %a)" Ipaddr.V4.pp (Ipaddr.V4.of_int32 (Cstruct.BE.get_uint32 packet 16))
    in
    Log.info (fun m -> m "%a says: %s%s" Ipaddr.V4.pp src what about);
    Lwt.return_unit

  let is_ours t ~src dst = Ipaddr.V4.compare dst (Ip.src t.ip ~dst:src) = 0

  let input t ~src ~dst message =
    if Cstruct.length message < header_size || Tcpip_checksum.ones_complement message <> 0 then Lwt.return_unit
    else
      let kind = Cstruct.get_uint8 message 0 and code = Cstruct.get_uint8 message 1 in
      (* RFC 1122, section 3.2.2.6: a ping of everybody need not be answered, and is better not. *)
      if not (is_ours t ~src dst) then Lwt.return_unit
      else if kind = echo_request then answer t ~src ~dst message
      else if kind = unreachable then log_trouble ~src message (unreachable_reason code)
      else if kind = time_exceeded then log_trouble ~src message "a packet took too many hops"
      else Lwt.return_unit
end
