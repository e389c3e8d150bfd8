let source = Logs.Src.create "tcp" ~doc:"TCP"

module Log = (val Logs.src_log source : Logs.LOG)

let () = Net_offload.want_large ()
let now () = Int64.to_int (Mirage_mtime.elapsed_ns ())
let random bound = Randomconv.int ~bound Unikernel_compat.Mirage_crypto_rng.generate

(* IP's and TCP's, with options. *)
let headers_most = 120

module Make (IP : Tcpip.Ip.S) = struct
  module Address = struct
    type t = IP.ipaddr

    let equal a b = compare a b = 0
    let hash seed address = Hashtbl.seeded_hash seed address
  end

  module Table = Table.Make (Address)

  type flow = {
    endpoint : t;
    tcb : Tcb.t;
    local : IP.ipaddr;
    remote : IP.ipaddr;
    local_port : int;
    remote_port : int;
    ports : int;
    pseudo : int;  (** The ones' complement sum of the pseudo-header for no data. *)
    alarm : flow Alarms.alarm;
    mutable dirty : bool;
    mutable listed : bool;  (** In TIME-WAIT's list. *)
    mutable opening : opening;
    mutable held : int;
    mutable reader : (Connection.input Lwt.t * Connection.input Lwt.u) option;
    mutable writers : (unit Lwt.t * unit Lwt.u) option;
    mutable closer : (unit Lwt.t * unit Lwt.u) option;
  }

  and opening =
    | Connecting of (flow, Tcb.failure) result Lwt.u
    | Accepting of (flow -> unit Lwt.t) * flow Half_open.slot
    | Opened

  and listener = { keepalive : Tcb.keepalive option; serve : flow -> unit Lwt.t }

  and t = {
    ip : IP.t;
    secret : string;
    flows : flow Table.t;
    listeners : (int, listener) Hashtbl.t;
    half_open : flow Half_open.t;
    time_waits : flow Queue.t;
    alarms : flow Alarms.t;
    mutable wake_at : int;
    mutable sleeper : unit Lwt.t;
    mutable dirty_flows : flow list;
    mutable held_by_all : int;
    mutable active : bool;
  }

  (* {2 Out} *)

  let[@inline] fold sum = (sum land 0xffff) + (sum lsr 16)

  let pseudo_sum t ~local ~remote =
    lnot (Tcpip_checksum.ones_complement (IP.pseudoheader t.ip ~src:local remote `TCP 0)) land 0xffff

  (* What is longer than [mss] is for the network interface to cut. *)
  let send t ~local ~remote ~local_port ~remote_port ~pseudo ~mss (segment : Segment.t) =
    let size = Segment.header_size segment in
    let pseudo = fold (pseudo + size + segment.length) in
    let segment_size = if segment.length > mss then mss else 0 in
    let fill buffer =
      let finish = not (Net_offload.ask buffer ~checksum_at:Segment.checksum_at ~segment_size) in
      Segment.encode segment ~source_port:local_port ~destination_port:remote_port ~pseudo ~finish buffer;
      size
    in
    IP.write t.ip ~fragment:false ~src:local remote `TCP ~size fill segment.payload

  (* {2 What happened} *)

  (* They end in the order in which they began, unless a port is used again. *)
  let rec forget_time_waits t =
    match Queue.peek_opt t.time_waits with
    | Some oldest when oldest.tcb.phase <> Tcb.Time_wait ->
        ignore (Queue.pop t.time_waits);
        forget_time_waits t
    | Some _ | None -> ()

  (* Done twice it does no harm: another may have its place. *)
  let remove t flow =
    let { ports; local; remote; _ } = flow in
    match Table.find t.flows ~ports ~local ~remote with
    | Some found when found == flow -> (
        if flow.listed then forget_time_waits t;
        Table.remove t.flows ~ports ~local ~remote;
        Alarms.remove t.alarms flow.alarm;
        match flow.opening with
        | Accepting (_, slot) -> Half_open.remove t.half_open slot
        | Connecting _ | Opened -> ())
    | Some _ | None -> ()

  let account flow =
    let held = Tcb.held flow.tcb in
    flow.endpoint.held_by_all <- flow.endpoint.held_by_all + held - flow.held;
    flow.held <- held

  let wake_reader flow =
    match flow.reader with
    | None -> ()
    | Some (_, resolver) -> (
        match Connection.read flow.tcb with
        | Connection.Nothing_yet -> ()
        | input ->
            flow.reader <- None;
            account flow;
            Lwt.wakeup_later resolver input)

  let wake_writers flow =
    match flow.writers with
    | Some (_, resolver) when Connection.has_room flow.tcb || not (Connection.can_write flow.tcb) ->
        flow.writers <- None;
        Lwt.wakeup_later resolver ()
    | Some _ | None -> ()

  let wake_closer flow =
    match flow.closer with
    | Some (_, resolver) when Connection.flushed flow.tcb ->
        flow.closer <- None;
        Lwt.wakeup_later resolver ()
    | Some _ | None -> ()

  let mark_dirty flow =
    if not flow.dirty then begin
      flow.dirty <- true;
      flow.endpoint.dirty_flows <- flow :: flow.endpoint.dirty_flows
    end

  let abort flow =
    Tcb.abort flow.tcb Reset;
    mark_dirty flow

  let serve flow serve =
    let failed exn =
      Log.err (fun log ->
          log "The connection from %a port %d is reset: %s" IP.pp_ipaddr flow.remote flow.remote_port
            (Printexc.to_string exn));
      abort flow;
      Lwt.return_unit
    in
    Lwt.async (fun () -> Lwt.catch (fun () -> serve flow) failed)

  let opened flow =
    match flow.opening with
    | Opened -> ()
    | Connecting resolver ->
        if Connection.is_open flow.tcb then begin
          flow.opening <- Opened;
          Lwt.wakeup_later resolver (Ok flow)
        end
        else Option.iter (fun failure -> flow.opening <- Opened;
          Lwt.wakeup_later resolver (Error failure)) flow.tcb.failure
    | Accepting (callback, slot) ->
        if Connection.is_open flow.tcb then begin
          flow.opening <- Opened;
          Half_open.remove flow.endpoint.half_open slot;
          serve flow callback
        end

  (* Strays of the oldest are risked rather than memory. *)
  let list_time_wait t flow =
    if flow.tcb.phase = Tcb.Time_wait && not flow.listed then begin
      flow.listed <- true;
      Queue.push flow t.time_waits;
      if Queue.length t.time_waits > Limits.time_waits then begin
        let oldest = Queue.pop t.time_waits in
        if oldest.tcb.phase = Tcb.Time_wait then begin
          Tcb.close oldest.tcb;
          mark_dirty oldest
        end
      end
    end

  let notify flow =
    if flow.opening != Opened then opened flow;
    wake_reader flow;
    wake_writers flow;
    if flow.tcb.phase = Tcb.Time_wait then list_time_wait flow.endpoint flow;
    account flow

  let changed flow =
    mark_dirty flow;
    notify flow

  (* {2 Before the main loop idles} *)

  let unsent flow (segment : Segment.t) error =
    Log.debug (fun log -> log "Nothing can be sent to %a: %a" IP.pp_ipaddr flow.remote IP.pp_error error);
    if flow.tcb.phase = Tcb.Syn_sent then begin
      Tcb.fail flow.tcb Timeout;
      changed flow
    end
    else if segment.length > flow.tcb.mss then
      (* A layer between does not let large packets through. *)
      flow.tcb.burst <- flow.tcb.mss

  let transmit flow segment =
    let { endpoint; local; remote; local_port; remote_port; pseudo; _ } = flow in
    let sent = send endpoint ~local ~remote ~local_port ~remote_port ~pseudo ~mss:flow.tcb.mss segment in
    match Lwt.state sent with
    | Return (Ok ()) -> ()
    | Return (Error error) -> unsent flow segment error
    | Sleep | Fail _ ->
        Lwt.async (fun () -> Lwt.map (function Ok () -> () | Error error -> unsent flow segment error) sent)

  let flush_flow t ~now flow =
    flow.dirty <- false;
    Outgoing.segments flow.tcb ~now (fun segment -> transmit flow segment);
    if flow.closer != None then wake_closer flow;
    if flow.tcb.phase = Tcb.Closed then begin
      notify flow;
      remove t flow
    end
    else Alarms.set t.alarms flow.alarm (Timers.deadline flow.tcb)

  let rec ring t ~now =
    match Alarms.ringing t.alarms ~now with
    | None -> ()
    | Some flow ->
        let deadline = Timers.deadline flow.tcb in
        if deadline <= now then begin
          Timers.expire flow.tcb ~now (fun segment -> transmit flow segment);
          changed flow
        end
        else Alarms.set t.alarms flow.alarm deadline;
        ring t ~now

  (* One sleeper for all connections, sent to bed again only if another deadline is before its own. *)
  let rec sleep t ~now =
    let next = Alarms.next t.alarms in
    if next < t.wake_at then begin
      Lwt.cancel t.sleeper;
      t.wake_at <- next;
      t.sleeper <- Mirage_sleep.ns (Int64.of_int (Int.max 0 (next - now)));
      Lwt.on_success t.sleeper (fun () -> woken t)
    end

  and woken t =
    let now = now () in
    t.wake_at <- Tcb.never;
    ring t ~now;
    sleep t ~now

  let rec flush_dirty t ~now =
    match t.dirty_flows with
    | [] -> ()
    | flows ->
        t.dirty_flows <- [];
        List.iter (flush_flow t ~now) (List.rev flows);
        flush_dirty t ~now

  let flush t =
    if t.dirty_flows <> [] then begin
      let now = now () in
      flush_dirty t ~now;
      sleep t ~now
    end

  (* {2 New ones} *)

  let flow t ~local ~remote ~local_port ~remote_port ~pseudo ~passive ~keepalive ~now opening =
    let addresses = IP.pseudoheader t.ip ~src:local remote `TCP 0 in
    let { Identity.iss; ts_offset } = Identity.create ~secret:t.secret ~now ~local_port ~remote_port addresses in
    let mss = IP.mtu t.ip ~dst:remote - Segment.minimum in
    let burst = Net_offload.packet_most () - headers_most in
    let tcb = Tcb.create ~passive ~mss ~burst ~iss ~ts_offset ~keepalive ~now in
    let ports = Table.ports ~local:local_port ~remote:remote_port in
    let rec flow =
      {
        endpoint = t;
        tcb;
        local;
        remote;
        local_port;
        remote_port;
        ports;
        pseudo;
        alarm;
        dirty = false;
        listed = false;
        opening;
        held = 0;
        reader = None;
        writers = None;
        closer = None;
      }
    and alarm = { Alarms.owner = flow; at = Tcb.never; place = -1 } in
    Table.add t.flows ~ports ~local ~remote flow;
    flow

  let create ip =
    let t =
      {
        ip;
        secret = Unikernel_compat.Mirage_crypto_rng.generate 16;
        flows = Table.create ~seed:(random max_int);
        listeners = Hashtbl.create 4;
        half_open = Half_open.create ~most:Limits.half_open;
        time_waits = Queue.create ();
        alarms = Alarms.create ();
        wake_at = Tcb.never;
        sleeper = Lwt.return_unit;
        dirty_flows = [];
        held_by_all = 0;
        active = true;
      }
    in
    Mirage_runtime.at_enter_iter (fun () -> flush t);
    Mirage_runtime.at_exit (fun () -> flush t; Lwt.return_unit);
    t

  let length t = Table.length t.flows
end
