type 'a typ = Type

let typ _ = Type
let ( @-> ) Type Type = Type
let abstract_type () = Type

module Info = struct
  type t = { name : string; target : Key.mode; hardware : (string * string) list }

  let rec find place device = function
    | [] -> invalid_arg "Info.place"
    | first :: rest -> if device = first then place else find (place + 1) device rest

  (* Xen numbers each kind of device by itself; interfaces have their places behind those of disks. *)
  let place { target; hardware; _ } ~name ~kind =
    match target with
    | #Key.mode_xen ->
        let first = if kind = "block" then 0 else 16 in
        find first (name, kind) (List.filter (fun (_, kind') -> kind' = kind) hardware)
    | _ -> find 0 (name, kind) hardware
end

type 'a code = string

let code ~pos:_ format = Format.asprintf format
let code_text code = code

type kind =
  | Library
  | Device
  | Hardware of { name : string; kind : string }
  | Files of { folder : string }
  | Start of { pos : Runtime_arg.pos option }

type device = {
  id : int;
  kind : kind;
  variable : string;
  module_name : string;
  packages : Package.t list Key.value;
  local_libs : string list;
  runtime_args : Runtime_arg.t list;
  keys : Key.t list;
  extra_deps : abstract list;
  connect : Info.t -> string -> string list -> string;
}

and abstract =
  | Leaf of device
  | Apply of abstract * abstract
  | Choice of { choose : abstract Key.value; branches : abstract list }
  | Unsupported of string

type 'a t = abstract

let ( $ ) f x = Apply (f, x)
let dep x = x
let unsupported name = Unsupported name
let if_ condition yes no = Choice { choose = Key.if_ condition yes no; branches = [ yes; no ] }

let match_ value ~default cases =
  let choose = Key.match_ value (fun v -> Option.value (List.assoc_opt v cases) ~default) in
  Choice { choose; branches = default :: List.map snd cases }

let connect_nothing _ _ = function
  | [] -> "return ()"
  | [ arg ] -> "return " ^ arg
  | args -> Printf.sprintf "return (%s)" (String.concat ", " args)

let next_id =
  let last = ref 0 in
  fun () ->
    incr last;
    !last

let v ?(kind = Device) ?variable ?(packages = []) ?(packages_v = Key.pure []) ?(local_libs = []) ?(runtime_args = [])
    ?(keys = []) ?(extra_deps = []) ?(connect = connect_nothing) module_name Type =
  let variable = match variable with Some variable -> variable | None -> Name.of_expression module_name in
  let packages = Key.map (( @ ) packages) packages_v in
  Leaf
    {
      id = next_id ();
      kind;
      variable;
      module_name;
      packages;
      local_libs;
      runtime_args;
      keys;
      extra_deps;
      connect;
    }

let connect_start _ module_name args =
  let args = match args with [] -> [ "()" ] | args -> args in
  let width = 80 in
  let line = String.concat " " args in
  let args = if String.length line <= width then " " ^ line else "\n   " ^ String.concat "\n   " args ^ "\n " in
  Printf.sprintf "(%s.start%s : unit Lwt.t)" module_name args

(* A functor's device: it is connected with what its arguments are connected to. *)
let over ?packages ?runtime_args ?(labels = []) ?variable module_name typ =
  let connect _ module_name args =
    let plain = List.length args - List.length labels in
    let labelled = List.map2 ( ^ ) labels (List.filteri (fun i _ -> i >= plain) args) in
    let plain = String.concat " " (List.filteri (fun i _ -> i < plain) args) in
    let separator = if List.length labelled > 2 then "\n  " else " " in
    code ~pos:__POS__ "%s.connect %s" module_name (String.concat separator (labelled @ [ plain ]))
  in
  v ?packages ?runtime_args ?variable ~connect module_name typ

(* What is named twice is one device. *)
let once make =
  let made = Hashtbl.create 4 in
  fun key ->
    match Hashtbl.find_opt made key with
    | Some device -> device
    | None ->
        let device = make key in
        Hashtbl.replace made key device;
        device

let main ?pos ?packages ?packages_v ?local_libs ?runtime_args ?deps module_name typ =
  v ~kind:(Start { pos }) ?packages ?packages_v ?local_libs ?runtime_args ?extra_deps:deps ~connect:connect_start
    module_name typ

let rec resolve_applied x args =
  match x with
  | Leaf device -> (device, args)
  | Apply (f, x) -> resolve_applied f (x :: args)
  | Choice { choose; _ } -> resolve_applied (Key.eval choose) args
  | Unsupported name -> Refusal.unsupported ~what:"device" name

let resolve x = resolve_applied x []

let all_keys xs =
  let rec collect keys = function
    | Leaf { keys = own; packages; extra_deps; _ } ->
        List.fold_left collect (List.rev_append own (List.rev_append (Key.keys packages) keys)) extra_deps
    | Apply (f, x) -> collect (collect keys f) x
    | Choice { choose; branches } -> List.fold_left collect (List.rev_append (Key.keys choose) keys) branches
    | Unsupported _ -> keys
  in
  let compare a b = String.compare (Key.name a) (Key.name b) in
  List.sort_uniq compare (List.fold_left collect [] xs)
