open Lwt.Infix
module Packet = Packet

let source = Logs.Src.create "ethernet" ~doc:"Ethernet"

module Log = (val Logs.src_log source : Logs.LOG)

module type S = sig
  type nonrec error = private [> `Exceeds_mtu ]

  val pp_error : error Fmt.t

  type t

  val disconnect : t -> unit Lwt.t

  val write :
    t -> ?src:Macaddr.t -> Macaddr.t -> Packet.proto -> ?size:int -> (Cstruct.t -> int) -> (unit, error) result Lwt.t

  val mac : t -> Macaddr.t
  val mtu : t -> int

  val input :
    arpv4:(Cstruct.t -> unit Lwt.t) ->
    ipv4:(Cstruct.t -> unit Lwt.t) ->
    ipv6:(Cstruct.t -> unit Lwt.t) ->
    t ->
    Cstruct.t ->
    unit Lwt.t
end

module Make (N : Mirage_net.S) = struct
  type error = [ `Exceeds_mtu | `Net of N.error ]

  let pp_error ppf = function
    | `Exceeds_mtu -> Fmt.string ppf "too much for a frame"
    | `Net error -> N.pp_error ppf error

  (* The address as numbers, to be compared with those in a frame. *)
  type t = { net : N.t; mac : Macaddr.t; mtu : int; mac_first : int; mac_rest : int }

  let connect net =
    let mac = N.mac net in
    let octets = Macaddr.to_octets mac in
    let mac_first = String.get_uint16_be octets 0 in
    let mac_rest = (String.get_uint16_be octets 2 lsl 16) lor String.get_uint16_be octets 4 in
    Lwt.return { net; mac; mtu = N.mtu net; mac_first; mac_rest }

  let disconnect _ = Lwt.return_unit
  let mac t = t.mac
  let mtu t = t.mtu

  let write t ?(src = t.mac) dst proto ?size fill =
    let size = match size with Some size -> size | None -> t.mtu in
    if size > t.mtu && size > Net_offload.packet_most () then Lwt.return_error `Exceeds_mtu
    else
      let fill_frame frame =
        Packet.write_header frame ~src ~dst proto;
        Packet.sizeof_ethernet + fill (Cstruct.shift frame Packet.sizeof_ethernet)
      in
      N.write t.net ~size:(Packet.sizeof_ethernet + size) fill_frame >|= function
      | Ok () as ok -> ok
      | Error error -> Error (`Net error)

  let is_for_us t frame =
    let first = Cstruct.BE.get_uint16 frame 0 in
    (first = t.mac_first
    && (Cstruct.BE.get_uint16 frame 2 lsl 16) lor Cstruct.BE.get_uint16 frame 4 = t.mac_rest)
    || first land 0x0100 <> 0

  let input ~arpv4 ~ipv4 ~ipv6 t frame =
    if Cstruct.length frame < Packet.sizeof_ethernet || not (is_for_us t frame) then Lwt.return_unit
    else
      let payload = Cstruct.shift frame Packet.sizeof_ethernet in
      match Packet.ethertype frame with
      | 0x0800 -> ipv4 payload
      | 0x0806 -> arpv4 payload
      | 0x86dd -> ipv6 payload
      | other ->
          Log.debug (fun m -> m "dropped a frame of the type 0x%04x" other);
          Lwt.return_unit
end
