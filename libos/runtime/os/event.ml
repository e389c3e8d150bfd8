(* For each source that somebody waits for, the promise that they share. *)
let awaited : (int * (unit Lwt.t * unit Lwt.u)) list ref = ref []

let wait source =
  match List.assoc_opt source !awaited with
  | Some (promise, _) -> promise
  | None ->
      let promise, resolver = Lwt.wait () in
      awaited := (source, (promise, resolver)) :: !awaited;
      promise

let signal sources =
  let happened, pending = List.partition (fun (source, _) -> sources land source <> 0) !awaited in
  awaited := pending;
  List.iter (fun (_, (_, resolver)) -> Lwt.wakeup resolver ()) happened
