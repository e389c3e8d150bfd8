open Lwt.Infix

type t = int

let watched : (int, readable:bool -> writable:bool -> ended:bool -> unit) Hashtbl.t = Hashtbl.create 16
let last = ref 0

let rec tell_all () =
  match Host.next () with
  | -1 -> ()
  | answer ->
      let tell = Hashtbl.find_opt watched (answer lsr 3) in
      Option.iter
        (fun tell -> tell ~readable:(answer land 1 <> 0) ~writable:(answer land 2 <> 0) ~ended:(answer land 4 <> 0))
        tell;
      tell_all ()

let rec serve () =
  Unikernel_os.Event.wait Host.source >>= fun () ->
  tell_all ();
  serve ()

let serving = lazy (Lwt.async serve)

let watch socket tell =
  Lazy.force serving;
  last := (!last + 1) land 0xffffffff;
  Host.watch socket !last;
  Hashtbl.replace watched !last tell;
  !last

let closing = Lwt_condition.create ()

let forget t =
  Hashtbl.remove watched t;
  Lwt_condition.broadcast closing ()
