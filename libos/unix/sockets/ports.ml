open Lwt.Infix

let source = Logs.Src.create "ports" ~doc:"Ports of this machine that stand for those of the unikernel"

module Log = (val Logs.src_log source : Logs.LOG)

let variable = "UNIKERNEL_PORTS"

type protocol = Tcp | Udp
type forward = { host_port : int; port : int; protocol : protocol }
type listener = { opens : int -> unit -> unit; mutable opened : (forward * (unit -> unit)) list }

let listeners : (protocol * int, listener) Hashtbl.t = Hashtbl.create 4
let text_of_port protocol port = Printf.sprintf "%d%s" port (match protocol with Tcp -> "" | Udp -> "/udp")
let text { host_port; port; protocol } = Printf.sprintf "%d:%s" host_port (text_of_port protocol port)

let of_text text =
  let port text =
    match int_of_string_opt text with Some port when 0 < port && port < 65536 -> Some port | Some _ | None -> None
  in
  let ports, protocol =
    match String.split_on_char '/' text with
    | [ ports ] | [ ports; "tcp" ] -> (ports, Some Tcp)
    | [ ports; "udp" ] -> (ports, Some Udp)
    | _ -> ("", None)
  in
  match (List.map port (String.split_on_char ':' ports), protocol) with
  | [ Some host_port; Some port ], Some protocol -> Some { host_port; port; protocol }
  | _ -> None

let of_variable text =
  let forward text =
    match of_text text with
    | Some forward -> forward
    | None ->
        failwith (Printf.sprintf "%s has %S, which is no pair of ports such as 8080:80 or 5300:53/udp." variable text)
  in
  List.map forward (List.filter (( <> ) "") (String.split_on_char ',' text))

(* {2 The control channel} *)

let write_record socket record =
  let line = record ^ "\n" in
  try ignore (Unix.write_substring socket line 0 (String.length line))
  with Unix.Unix_error (error, _, _) -> Log.warn (fun log -> log "not told: %s: %s" record (Unix.error_message error))

let tell record = Option.iter (fun socket -> write_record socket record) (Host.control ())
let tell_of forward what = tell (Printf.sprintf "forward %s %s" (text forward) what)
let as_reason text = String.map (function '\n' -> ' ' | char -> char) text

let forwards = lazy (ref (Option.map of_variable (Sys.getenv_opt variable)))
let known () = Option.value !(Lazy.force forwards) ~default:[]
let set forwards' = Lazy.force forwards := Some forwards'

let open_one listener forward =
  let close = listener.opens forward.host_port in
  listener.opened <- (forward, close) :: listener.opened;
  tell_of forward "open"

let add forward =
  set (forward :: known ());
  match Hashtbl.find_opt listeners (forward.protocol, forward.port) with
  | None -> tell_of forward "waits"
  | Some listener -> (
      try open_one listener forward
      with Failure reason ->
        set (List.filter (( <> ) forward) (known ()));
        tell_of forward ("failed " ^ as_reason reason) )

let remove forward =
  set (List.filter (( <> ) forward) (known ()));
  let close listener =
    let closed, left = List.partition (fun (opened, _) -> opened = forward) listener.opened in
    listener.opened <- left;
    List.iter (fun (_, close) -> close ()) closed
  in
  Option.iter close (Hashtbl.find_opt listeners (forward.protocol, forward.port));
  tell_of forward "closed"

let obey line =
  match List.map of_text (List.tl (String.split_on_char ' ' line)) with
  | [ Some forward ] when String.starts_with ~prefix:"forward " line -> add forward
  | [ Some forward ] when String.starts_with ~prefix:"unforward " line -> remove forward
  | _ -> Log.warn (fun log -> log "not understood: %S" line)

let longest_line = 4096

(* What is said over the control channel, line by line, until it ends. *)
let follow socket =
  let room = Cstruct.create 512 in
  let said = Lwt_condition.create () in
  let watched = Readiness.watch socket (fun ~readable:_ ~writable:_ ~ended:_ -> Lwt_condition.signal said ()) in
  let rec listen rest =
    match Host.receive socket room.buffer 0 (Cstruct.length room) with
    | -1 -> Lwt_condition.wait said >>= fun () -> listen rest
    | length when length > 0 && String.length rest < longest_line -> (
        match List.rev (String.split_on_char '\n' (rest ^ Cstruct.to_string ~len:length room)) with
        | rest :: lines ->
            List.iter obey (List.rev lines);
            listen rest
        | [] -> assert false )
    | _ ->
        Readiness.forget watched;
        Lwt.return_unit
  in
  listen ""

let following =
  lazy
    (match Host.control () with
    | None -> ()
    | Some socket -> Lwt.async (fun () -> follow socket))

let are_mapped () =
  let mapped = !(Lazy.force forwards) <> None in
  if mapped then Lazy.force following;
  mapped

(* {2 Listening} *)

let unlisten protocol ~port =
  match Hashtbl.find_opt listeners (protocol, port) with
  | None -> ()
  | Some listener ->
      Hashtbl.remove listeners (protocol, port);
      List.iter (fun (_, close) -> close ()) listener.opened;
      tell ("unlisten " ^ text_of_port protocol port)

let listen protocol ~port opens =
  unlisten protocol ~port;
  let listener = { opens; opened = [] } in
  Hashtbl.replace listeners (protocol, port) listener;
  if not (are_mapped ()) then open_one listener { host_port = port; port; protocol }
  else
    List.iter
      (fun forward -> if (forward.protocol, forward.port) = (protocol, port) then open_one listener forward)
      (known ());
  tell ("listen " ^ text_of_port protocol port)
