(* Ports for own connections (RFC 6335, section 6). *)
let first_dynamic_port = 49152

module Make (IP : Tcpip.Ip.S) = struct
  include Flows.Make (IP)

  (* {2 In} *)

  let accept t { keepalive; serve } ~local ~remote ~local_port ~remote_port ~pseudo ~now segment =
    if Table.length t.flows < Limits.connections then begin
      let flow = flow t ~local ~remote ~local_port ~remote_port ~pseudo ~passive:true ~keepalive ~now Opened in
      let slot, pushed_out = Half_open.add t.half_open ~random:Flows.random flow in
      flow.opening <- Accepting (serve, slot);
      Option.iter (fun other -> Tcb.close other.tcb; mark_dirty other) pushed_out;
      Incoming.open_by flow.tcb ~now segment;
      mark_dirty flow
    end

  let[@inline] intact ~pseudo buffer =
    Net_offload.is_checked buffer
    ||
    let complement = Tcpip_checksum.ones_complement buffer in
    let expected = fold (pseudo + Cstruct.length buffer) in
    complement = expected || (complement = 0 && expected = 0xffff)

  let is_opening
    (segment : Segment.t) = segment.flags land Segment.Flags.(syn lor ack lor rst lor fin) = Segment.Flags.syn

  let from_stranger t ~local ~remote ~local_port ~remote_port buffer =
    let pseudo = pseudo_sum t ~local ~remote in
    if intact ~pseudo buffer then
      match Segment.decode buffer with
      | None -> ()
      | Some segment -> (
          match Hashtbl.find_opt t.listeners local_port with
          | Some listener when is_opening segment && t.active ->
              accept t listener ~local ~remote ~local_port ~remote_port ~pseudo ~now:(Flows.now ()) segment
          | Some _ | None ->
              let answer reset = ignore (send t ~local ~remote ~local_port ~remote_port ~pseudo ~mss:0 reset) in
              Option.iter answer (Segment.reset segment))

  let input t ~src ~dst buffer =
    if Cstruct.length buffer >= Segment.minimum then begin
      let local_port = Segment.destination_port buffer and remote_port = Segment.source_port buffer in
      let ports = Table.ports ~local:local_port ~remote:remote_port in
      match Table.find t.flows ~ports ~local:dst ~remote:src with
      | None -> from_stranger t ~local:dst ~remote:src ~local_port ~remote_port buffer
      | Some flow -> (
          if intact ~pseudo:flow.pseudo buffer then
            match Segment.decode buffer with
            | None -> ()
            | Some segment when flow.tcb.phase = Tcb.Closed || Incoming.reopens flow.tcb segment ->
                (* It has ended, perhaps in this very turn: what comes now is none of its business. *)
                Tcb.close flow.tcb;
                flush_flow t ~now:(Flows.now ()) flow;
                from_stranger t ~local:dst ~remote:src ~local_port ~remote_port buffer
            | Some segment ->
                Incoming.segment flow.tcb ~now:(Flows.now ()) ~crowded:(t.held_by_all > Limits.held) segment;
                changed flow)
    end

  (* {2 For flows} *)

  let rec read flow =
    match Connection.read flow.tcb with
    | Connection.Nothing_yet -> (
        match flow.reader with
        | Some (before, _) -> Lwt.bind before (fun _ -> read flow)
        | None ->
            let promise, resolver = Lwt.task () in
            flow.reader <- Some (promise, resolver);
            Lwt.on_cancel promise (fun () -> flow.reader <- None);
            promise)
    | input ->
        account flow;
        if flow.tcb.ack_now then mark_dirty flow;
        Lwt.return input

  let room flow =
    if Connection.has_room flow.tcb || not (Connection.can_write flow.tcb) then Lwt.return_unit
    else
      match flow.writers with
      | Some (promise, _) -> promise
      | None ->
          let promise, resolver = Lwt.wait () in
          flow.writers <- Some (promise, resolver);
          promise

  let flushed flow =
    let now = Flows.now () in
    flush_flow flow.endpoint ~now flow;
    sleep flow.endpoint ~now;
    notify flow;
    if Connection.flushed flow.tcb then Lwt.return_unit
    else
      match flow.closer with
      | Some (promise, _) -> promise
      | None ->
          let promise, resolver = Lwt.wait () in
          flow.closer <- Some (promise, resolver);
          promise

  (* {2 Opening} *)

  let rec free_port t ~local ~remote ~remote_port tries =
    let port = first_dynamic_port + Flows.random (0x10000 - first_dynamic_port) in
    let ports = Table.ports ~local:port ~remote:remote_port in
    if Table.find t.flows ~ports ~local ~remote = None then Some port
    else if tries = 0 then None
    else free_port t ~local ~remote ~remote_port (tries - 1)

  let connect t ~keepalive remote remote_port =
    let local = IP.src t.ip ~dst:remote in
    match free_port t ~local ~remote ~remote_port 1000 with
    | Some local_port when t.active ->
        let promise, resolver = Lwt.wait () in
        let pseudo = pseudo_sum t ~local ~remote in
        let now = Flows.now () in
        let opening = Connecting resolver in
        let flow = flow t ~local ~remote ~local_port ~remote_port ~pseudo ~passive:false ~keepalive ~now opening in
        Connection.connect flow.tcb;
        mark_dirty flow;
        promise
    | Some _ | None -> Lwt.return_error Tcb.Timeout

  let listen t ~port ~keepalive serve = Hashtbl.replace t.listeners port { keepalive; serve }
  let unlisten t ~port = Hashtbl.remove t.listeners port

  let shut t =
    t.active <- false;
    Hashtbl.reset t.listeners;
    let now = Flows.now () in
    Table.iter
      (fun flow ->
        Connection.close flow.tcb ~now;
        changed flow)
      t.flows;
    flush t
end
