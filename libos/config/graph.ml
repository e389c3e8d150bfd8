type instance = {
  id : int;
  device : Impl.device;
  variable : string;
  module_path : string;
  args : instance list;
  deps : instance list;
}

type t = { instances : instance list; init : instance list; jobs : instance list }

let build ~names ~init jobs =
  let made = Hashtbl.create 16 in
  let instances = ref [] in
  let rec instance x =
    let device, args = Impl.resolve x in
    let args = List.map instance args in
    let deps = List.map instance device.extra_deps in
    let ids = List.map (fun { id; _ } -> id) in
    let identity = (device.id, ids args, ids deps) in
    match Hashtbl.find_opt made identity with
    | Some instance -> instance
    | None ->
        let variable = Name.fresh names device.variable in
        let module_path = if args = [] then device.module_name else String.capitalize_ascii variable in
        let instance = { id = Hashtbl.length made; device; variable; module_path; args; deps } in
        Hashtbl.add made identity instance;
        instances := instance :: !instances;
        instance
  in
  let init = List.map instance init in
  let jobs = List.map instance jobs in
  { instances = List.rev !instances; init; jobs }

let unique items =
  let add kept item = if List.mem item kept then kept else item :: kept in
  List.rev (List.fold_left add [] items)

let of_devices f graph = List.concat_map (fun { device; _ } -> f device) graph.instances
let runtime_args graph = unique (of_devices (fun device -> device.runtime_args) graph)

let packages graph =
  let of_device (device : Impl.device) =
    Key.eval device.packages @ List.concat_map Runtime_arg.packages device.runtime_args
  in
  of_devices of_device graph

let local_libs graph = unique (of_devices (fun device -> device.local_libs) graph)

let files graph =
  let of_device (device : Impl.device) =
    match device.kind with
    | Files { folder } -> [ (device.module_name, folder) ]
    | Library | Device | Hardware _ | Start _ -> []
  in
  unique (of_devices of_device graph)

let hardware graph =
  let of_device (device : Impl.device) =
    match device.kind with Hardware { name; kind } -> [ (name, kind) ] | Library | Device | Files _ | Start _ -> []
  in
  of_devices of_device graph
