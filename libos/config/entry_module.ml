let file = "main.ml"
let reserved_names = [ "return" ]

(* Text that knows its line, to come back to it after a line directive. *)
type output = { buffer : Buffer.t; mutable line : int }

let print output format =
  let add text =
    Buffer.add_string output.buffer text;
    String.iter (function '\n' -> output.line <- output.line + 1 | _ -> ()) text
  in
  Printf.ksprintf add format

(* What comes from config.ml word for word is blamed on config.ml if it does not compile. *)
let print_at output pos text =
  match pos with
  | None -> print output "%s\n" text
  | Some (source, line, _, _) ->
      print output "# %d %S\n%s\n" line source text;
      print output "# %d %S\n" (output.line + 1) file

let head output (info : Impl.Info.t) =
  print output
    {|(* The entry module of %s for the target %s, made from config.ml: changes here are lost.

   It applies functors to the modules that they need, reads the arguments of the unikernel, connects the devices
   and runs the jobs. A device is connected when it is first needed, and only once: hence [lazy]. *)

(* A device may have no use for what is connected before it. *)
[@@@warning "-27"]

open Lwt.Infix

let return = Lwt.return
|}
    info.name
    (Key.target_name info.target)

let arguments output names graph =
  let register arg =
    let variable = Name.fresh names (Runtime_arg.name arg) in
    print output "\nlet %s =\n  Mirage_runtime.register_arg\n" variable;
    print_at output (Runtime_arg.pos arg) ("    " ^ Runtime_arg.term arg);
    (arg, variable)
  in
  let args = Graph.runtime_args graph in
  if args <> [] then
    print output "\n(* The arguments of the unikernel. Their values are known once it has booted. *)\n";
  List.map register args

let functor_applications output graph =
  let apply { Graph.device; module_path; args; _ } =
    if args <> [] then
      let applied = List.map (fun { Graph.module_path; _ } -> Printf.sprintf " (%s)" module_path) args in
      print output "module %s = %s%s\n" module_path device.module_name (String.concat "" applied)
  in
  if List.exists (fun { Graph.args; _ } -> args <> []) graph.Graph.instances then begin
    print output "\n(* Functors, applied to the modules that they need. *)\n";
    List.iter apply graph.instances
  end

let starts { Graph.device; _ } = match device.kind with Start _ -> true | Library | Device | Hardware _ | Files _ -> false
let has_code { Graph.device; _ } = device.kind <> Library

let devices output info registered graph =
  let first_start = List.find_opt starts graph.Graph.instances in
  let indent text = String.concat "\n    " (String.split_on_char '\n' text) in
  let connect { Graph.id; device; variable; module_path; args; deps } =
    let needs = List.map (fun { Graph.variable; _ } -> variable) (List.filter has_code (args @ deps)) in
    let force need = Printf.sprintf "    Lazy.force %s >>= fun %s ->\n" need need in
    let value arg = Printf.sprintf "(%s ())" (List.assoc arg registered) in
    let values = needs @ List.map value device.runtime_args in
    print output "\nlet %s =\n  lazy begin\n%s" variable (String.concat "" (List.map force (Graph.unique needs)));
    ( match first_start with
    | Some first when first.id = id ->
        print output "    (* Whoever measures the boot is told that it is done. *)\n    Platform.stamp \"start\";\n"
    | Some _ | None -> () );
    let pos = match device.kind with Start { pos } -> pos | Library | Device | Hardware _ | Files _ -> None in
    print_at output pos ("    " ^ indent (device.connect info module_path values));
    print output "  end\n"
  in
  print output "\n(* Devices and jobs. *)\n";
  List.iter connect (List.filter has_code graph.instances)

let run output graph =
  let steps = List.filter has_code (graph.Graph.init @ graph.jobs) in
  let force { Graph.variable; _ } = Printf.sprintf "    Lazy.force %s >>= fun _ ->\n" variable in
  print output
    {|
(* What every unikernel does first, then its jobs, one after another. *)
let () =
  Unikernel_os.Main.run begin
%s    return ()
  end
|}
    (String.concat "" (List.map force steps))

let text ~names info graph =
  let output = { buffer = Buffer.create 4096; line = 1 } in
  head output info;
  let registered = arguments output names graph in
  functor_applications output graph;
  devices output info registered graph;
  run output graph;
  Buffer.contents output.buffer
