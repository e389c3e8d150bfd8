open Lwt.Infix

let source = Logs.Src.create "dhcp" ~doc:"How this host gets its IPv4 address"

module Log = (val Logs.src_log source : Logs.LOG)

module type S = sig
  module Net : Mirage_net.S
  module Ipv4 : Tcpip.Ip.S with type ipaddr = Ipaddr.V4.t and type prefix = Ipaddr.V4.Prefix.t

  type t

  val lease : t -> (int * string) list option Lwt.t
  val net : t -> Net.t
  val ipv4 : t -> Ipv4.t
end

module type With_lease = sig
  type t

  val lease : t -> (int * string) list option Lwt.t
end

let second = Duration.of_sec 1

(* Messages get lost: they are sent again, at first soon, later seldom. *)
let first_patience = 1
let longest_patience = 64

(* A request that stays unanswered: the server may be gone. *)
let requests_most = 4

(* RFC 2131, section 4.4.5: how often to ask for more time. *)
let renewal_interval_least = 60
let warn_after = Duration.of_sec 3
let warn_every = Duration.of_sec 60

(* Up to a second more, so that hosts that boot together do not always speak at once. *)
let jittered seconds =
  let more = Randomconv.int ~bound:1000 Unikernel_compat.Mirage_crypto_rng.generate in
  Duration.of_ms ((1000 * seconds) + more)

let text_of_ip ip = Ipaddr.V4.to_octets ip

let host_name_of name =
  let allowed = function 'a' .. 'z' | 'A' .. 'Z' | '0' .. '9' | '-' -> true | _ -> false in
  String.map (fun char -> if allowed char then char else '-') (String.sub name 0 (min 63 (String.length name)))

module Make (Network : Mirage_net.S) (Ethernet : Ethernet.S) (Arp : Arp.S) = struct
  module Ipv4 = Static_ipv4.Make (Ethernet) (Arp)

  (* The interface, and what the client takes from it. *)
  module Net = struct
    type error = Network.error

    let pp_error = Network.pp_error

    type t = {
      network : Network.t;
      mutable client : (Packet.t -> unit) option;
      mutable receive : Cstruct.t -> unit Lwt.t;
      mutable ended : (unit, error) result Lwt.t option;  (** Of listening. *)
    }

    let create network = { network; client = None; receive = (fun _ -> Lwt.return_unit); ended = None }
    let disconnect t = Network.disconnect t.network
    let write t = Network.write t.network
    let mac t = Network.mac t.network
    let mtu t = Network.mtu t.network
    let get_stats_counters t = Network.get_stats_counters t.network
    let reset_stats_counters t = Network.reset_stats_counters t.network

    let input t client frame =
      match Packet.of_frame frame with
      | None -> t.receive frame
      | Some packet ->
          Option.iter client packet;
          Lwt.return_unit

    let start_client t client =
      t.client <- Some client;
      let header_size = Packet.ethernet_header in
      t.ended <- Some (Network.listen t.network ~header_size (fun frame -> input t client frame))

    let listen t ~header_size receive =
      match t.ended with
      | None -> Network.listen t.network ~header_size receive
      | Some ended ->
          t.receive <- receive;
          Lwt.protected ended
  end

  type t = { net : Net.t; ipv4 : Ipv4.t; lease : (int * string) list option }

  let lease { lease; _ } = Lwt.return lease
  let net { net; _ } = net
  let ipv4 { ipv4; _ } = ipv4

  (* The client *)

  type client = {
    interface : Net.t;
    asks_for : (int * string) list;  (** Options of what it sends. *)
    mutable awaited : (Packet.t -> unit) option;
  }

  let generate = Unikernel_compat.Mirage_crypto_rng.generate
  let mac client = Net.mac client.interface

  (* An answer to [xid] that [accept] makes something of, if it comes in time. *)
  let wait_for client ~xid ~timeout accept =
    let promise, resolver = Lwt.wait () in
    let look (packet : Packet.t) =
      let is_ours = Int32.equal packet.xid xid && Macaddr.compare packet.chaddr (mac client) = 0 in
      match if is_ours then accept packet else None with
      | Some _ as found when Lwt.is_sleeping promise -> Lwt.wakeup_later resolver found
      | Some _ | None -> ()
    in
    client.awaited <- Some look;
    Lwt.pick [ promise; (Mirage_sleep.ns timeout >|= fun () -> None) ] >|= fun found ->
    client.awaited <- None;
    found

  let message client ~xid ~began ?(ciaddr = Ipaddr.V4.any) kind options =
    let secs = Duration.to_sec (Int64.sub (Mirage_mtime.elapsed_ns ()) began) in
    Packet.to_payload
      {
        kind;
        xid;
        secs = min secs 0xffff;
        ciaddr;
        yiaddr = Ipaddr.V4.any;
        chaddr = mac client;
        options = options @ client.asks_for;
      }

  let broadcast client payload =
    let size = Packet.frame_size payload in
    let fill frame =
      Packet.write_frame frame ~src:(mac client) payload;
      size
    in
    Net.write client.interface ~size fill
    >|= Result.iter_error (fun error -> Log.debug (fun m -> m "not sent: %a" Net.pp_error error))

  let granted (packet : Packet.t) =
    match packet.kind with
    | Ack -> Option.map (fun lease -> `Granted lease) (Lease.of_packet packet)
    | Nak -> Some `Refused
    | Discover | Offer | Request -> None

  (* RFC 2131, section 4.4.1 *)
  let rec request client ~xid ~began ~address ~server left patience =
    if left = 0 then Lwt.return_none
    else
      let options = [ (Packet.requested_address, text_of_ip address); (Packet.server_identifier, text_of_ip server) ] in
      broadcast client (message client ~xid ~began Request options) >>= fun () ->
      wait_for client ~xid ~timeout:(jittered patience) granted >>= function
      | Some (`Granted lease) -> Lwt.return_some lease
      | Some `Refused -> Lwt.return_none
      | None -> request client ~xid ~began ~address ~server (left - 1) (2 * patience)

  let offered (packet : Packet.t) =
    match (packet.kind, Packet.address packet Packet.server_identifier) with
    | Offer, Some server -> Some (packet.yiaddr, server)
    | _ -> None

  let rec discover client ~xid ~began patience =
    broadcast client (message client ~xid ~began Discover []) >>= fun () ->
    wait_for client ~xid ~timeout:(jittered patience) offered >>= function
    | Some offer -> Lwt.return offer
    | None -> discover client ~xid ~began (min longest_patience (2 * patience))

  let rec acquire_since client ~began =
    let xid = Randomconv.int32 generate in
    discover client ~xid ~began first_patience >>= fun (address, server) ->
    request client ~xid ~began ~address ~server requests_most first_patience >>= function
    | Some lease -> Lwt.return lease
    | None ->
        Mirage_sleep.ns second >>= fun () -> acquire_since client ~began

  let rec warn wait =
    Mirage_sleep.ns wait >>= fun () ->
    Log.warn (fun m ->
        m
          "No DHCP server answers: there is no IPv4 address yet. I keep asking. An address can be given as an argument, \
           as in --ipv4=10.0.0.2/24.");
    warn warn_every

  let acquire client =
    Lwt.pick [ acquire_since client ~began:(Mirage_mtime.elapsed_ns ()); warn warn_after ] >|= fun lease ->
    Log.info (fun m -> m "The address is %a" Lease.pp lease);
    lease

  (* Keeping the lease. *)

  let udp_datagram ~src ~dst payload =
    let length = 8 + Cstruct.length payload in
    let fill header =
      Cstruct.BE.set_uint16 header 0 Packet.client_port;
      Cstruct.BE.set_uint16 header 2 Packet.server_port;
      Cstruct.BE.set_uint16 header 4 length;
      let pseudoheader = Static_ipv4.Header.pseudoheader ~src ~dst `UDP length in
      Cstruct.BE.set_uint16 header 6 (Tcpip_checksum.ones_complement_list [ pseudoheader; header; payload ]);
      8
    in
    (8, fill)

  let ask_for_more client ipv4 ~(lease : Lease.t) ~dst ~timeout =
    let xid = Randomconv.int32 generate and src = Ipaddr.V4.Prefix.address lease.cidr in
    let payload = message client ~xid ~began:(Mirage_mtime.elapsed_ns ()) ~ciaddr:src Request [] in
    let size, fill = udp_datagram ~src ~dst payload in
    (* The answer is waited for whether or not the question could be sent. *)
    Lwt.async (fun () ->
        Ipv4.write ipv4 dst `UDP ~size fill [ payload ]
        >|= Result.iter_error (fun error -> Log.debug (fun m -> m "not sent: %a" Ipv4.pp_error error)));
    wait_for client ~xid ~timeout granted

  let s_since began = Duration.to_sec (Int64.sub (Mirage_mtime.elapsed_ns ()) began)

  (* RFC 2131, section 4.4.5: first its server is asked for more time, later any; half of what is left is waited. *)
  let rec renew client ipv4 ~(lease : Lease.t) ~began ~end_s =
    let now_s = s_since began in
    if now_s >= end_s then Lwt.return_none
    else
      let dst, next_s = if now_s < lease.rebind_s then (lease.server, lease.rebind_s) else (Ipaddr.V4.broadcast, end_s) in
      let left = next_s - now_s in
      let timeout = Duration.of_sec (max 1 (min left (max renewal_interval_least (left / 2)))) in
      ask_for_more client ipv4 ~lease ~dst ~timeout >>= function
      | Some (`Granted lease) -> Lwt.return_some lease
      | Some `Refused -> Lwt.return_none
      | None -> renew client ipv4 ~lease ~began ~end_s

  let rec keep client ipv4 (lease : Lease.t) =
    match lease.end_s with
    | None -> Lwt.return_unit
    | Some end_s -> (
        let began = Mirage_mtime.elapsed_ns () in
        Mirage_sleep.ns (Duration.of_sec lease.renew_s) >>= fun () ->
        renew client ipv4 ~lease ~began ~end_s >>= function
        | Some renewed -> change client ipv4 lease renewed
        | None ->
            Log.warn (fun m -> m "The lease of %a is over." Ipaddr.V4.Prefix.pp lease.cidr);
            acquire client >>= fun other -> change client ipv4 lease other )

  and change client ipv4 (old : Lease.t) (lease : Lease.t) =
    let same = Ipaddr.V4.Prefix.compare old.cidr lease.cidr = 0 && old.gateway = lease.gateway in
    (if same then Lwt.return_unit else Ipv4.configure ipv4 ~cidr:lease.cidr ?gateway:lease.gateway ()) >>= fun () ->
    keep client ipv4 lease

  let start_client interface ~hostname ~requests =
    let wanted = List.sort_uniq compare (Packet.subnet_mask :: Packet.routers :: requests) in
    let asked = String.concat "" (List.map (fun option -> String.make 1 (Char.chr option)) wanted) in
    let name = match hostname with Some name when name <> "" -> [ (Packet.host_name, host_name_of name) ] | _ -> [] in
    let client = { interface; asks_for = (Packet.parameter_request_list, asked) :: name; awaited = None } in
    Net.start_client interface (fun packet -> Option.iter (fun look -> look packet) client.awaited);
    client

  let nowhere = Ipaddr.V4.Prefix.make 32 Ipaddr.V4.localhost

  let connect ?(no_init = false) ?cidr ?gateway ?hostname ?(requests = []) network ethernet arp =
    let net = Net.create network in
    match (no_init, cidr) with
    | _, Some cidr ->
        Ipv4.connect ~no_init ~cidr ?gateway ethernet arp >|= fun ipv4 -> { net; ipv4; lease = None }
    | true, None ->
        Ipv4.connect ~no_init ~cidr:nowhere ethernet arp >|= fun ipv4 -> { net; ipv4; lease = None }
    | false, None ->
        if gateway <> None then Log.warn (fun m -> m "The gateway is DHCP's: --ipv4-gateway needs --ipv4 beside it.");
        let client = start_client net ~hostname ~requests in
        acquire client >>= fun lease ->
        Ipv4.connect ~cidr:lease.cidr ?gateway:lease.gateway ethernet arp >|= fun ipv4 ->
        Lwt.async (fun () -> keep client ipv4 lease);
        { net; ipv4; lease = Some lease.options }
end

module Proj_net (T : S) = struct
  include T.Net

  let connect t = Lwt.return (T.net t)
end

module Proj_ipv4 (T : S) = struct
  include T.Ipv4

  let connect t = Lwt.return (T.ipv4 t)
end

module Proj_lease (T : With_lease) = struct
  type t = (int * string) list option

  let connect t = T.lease t
end
