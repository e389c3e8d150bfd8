open Lwt.Infix

let source = Logs.Src.create "arp" ~doc:"Who has which IPv4 address"

module Log = (val Logs.src_log source : Logs.LOG)

module type S = sig
  type t

  val disconnect : t -> unit Lwt.t

  type error = private [> `Timeout ]

  val pp_error : error Fmt.t
  val pp : t Fmt.t
  val get_ips : t -> Ipaddr.V4.t list
  val set_ips : t -> Ipaddr.V4.t list -> unit Lwt.t
  val remove_ip : t -> Ipaddr.V4.t -> unit Lwt.t
  val add_ip : t -> Ipaddr.V4.t -> unit Lwt.t
  val query : t -> Ipaddr.V4.t -> (Macaddr.t, error) result Lwt.t
  val input : t -> Cstruct.t -> unit Lwt.t
end

module Neighbours = Neighbours.Make (struct
  type t = Ipaddr.V4.t

  let equal a b = Int32.equal (Ipaddr.V4.to_int32 a) (Ipaddr.V4.to_int32 b)
  let hash address = Int32.to_int (Ipaddr.V4.to_int32 address) land max_int
  let pp = Ipaddr.V4.pp
end)

let s = 1_000_000_000L
let lifetime = Int64.mul 300L s

(* RFC 5227, section 2.4: an address is defended, but two hosts must not do so against each other for ever. *)
let defend_after = Int64.mul 10L s

module Make (Ethernet : Ethernet.S) = struct
  type error = [ `Timeout ]

  let pp_error ppf = function `Timeout -> Fmt.string ppf "nobody answers for the address"

  type t = {
    ethernet : Ethernet.t;
    neighbours : Neighbours.t Lazy.t;
    mutable ips : Ipaddr.V4.t list;
    mutable defended : int64;
  }

  let own t ip = List.exists (fun own -> Ipaddr.V4.compare own ip = 0) t.ips

  (* A message that gets lost is a matter for whoever waits for the answer. *)
  let send t ~to_ message =
    Ethernet.write t.ethernet to_ `ARP ~size:Packet.size (fun buffer ->
        Packet.write buffer message;
        Packet.size)
    >|= fun result ->
    Result.iter_error (fun error -> Log.debug (fun m -> m "not sent: %a" Ethernet.pp_error error)) result

  let nobody = Macaddr.of_octets_exn (String.make 6 '\000')

  let request t ?(to_ = Macaddr.broadcast) ~source_ip target_ip =
    let source_mac = Ethernet.mac t.ethernet in
    send t ~to_ { operation = Request; source_mac; source_ip; target_mac = nobody; target_ip }

  let ask t ?known target_ip =
    let source_ip = match t.ips with own :: _ -> own | [] -> Ipaddr.V4.any in
    request t ?to_:known ~source_ip target_ip

  let announce t ip = request t ~source_ip:ip ip

  let reply t { Packet.source_mac; source_ip; target_ip; _ } =
    send t ~to_:source_mac
      {
        operation = Reply;
        source_mac = Ethernet.mac t.ethernet;
        source_ip = target_ip;
        target_mac = source_mac;
        target_ip = source_ip;
      }

  let connect ?probe_delay ethernet =
    let rec t =
      {
        ethernet;
        neighbours = lazy (Neighbours.create ?interval:probe_delay ~lifetime ~ask:(fun ?known ip -> ask t ?known ip) ());
        ips = [];
        defended = Int64.min_int;
      }
    in
    Lwt.return t

  let disconnect _ = Lwt.return_unit
  let pp ppf t = Neighbours.pp ppf (Lazy.force t.neighbours)
  let get_ips t = t.ips

  let set_ips t ips =
    t.ips <- ips;
    Lwt_list.iter_s (announce t) ips

  let remove_ip t ip =
    t.ips <- List.filter (fun own -> Ipaddr.V4.compare own ip <> 0) t.ips;
    Lwt.return_unit

  let add_ip t ip =
    if own t ip then Lwt.return_unit
    else begin
      t.ips <- t.ips @ [ ip ];
      announce t ip
    end

  let query t ip =
    if own t ip then Lwt.return_ok (Ethernet.mac t.ethernet)
    else (Neighbours.query (Lazy.force t.neighbours) ip :> (Macaddr.t, error) result Lwt.t)

  let defend t mac ip =
    let now = Mirage_mtime.elapsed_ns () in
    if Int64.compare t.defended now > 0 then Lwt.return_unit
    else begin
      t.defended <- Int64.add now defend_after;
      Log.warn (fun m -> m "The address %a is this host's, but %a uses it too." Ipaddr.V4.pp ip Macaddr.pp mac);
      announce t ip
    end

  let input t buffer =
    match Packet.of_cstruct buffer with
    | None -> Lwt.return_unit
    | Some { source_mac; _ }
      when Macaddr.compare source_mac (Ethernet.mac t.ethernet) = 0 || not (Macaddr.is_unicast source_mac) ->
        Lwt.return_unit
    | Some { source_mac; source_ip; _ } when own t source_ip -> defend t source_mac source_ip
    | Some ({ operation; source_mac; source_ip; target_ip; _ } as message) ->
        let neighbours = Lazy.force t.neighbours in
        let asked = operation = Request && own t target_ip in
        (* Who probes whether an address is free has none yet. *)
        if Ipaddr.V4.compare source_ip Ipaddr.V4.any <> 0 then
          if asked then Neighbours.learn neighbours source_ip source_mac
          else Neighbours.heard neighbours source_ip source_mac;
        if asked then reply t message else Lwt.return_unit
end
