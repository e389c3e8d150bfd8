open Cmdliner

module Arg = struct
  type 'a t = { term : 'a Term.t; default : 'a; print : (Format.formatter -> 'a -> unit) option }

  let opt conv default info =
    let term = Arg.value (Arg.opt conv default info) in
    { term; default; print = Some (Arg.conv_printer conv) }

  let required conv info = { term = Arg.value (Arg.opt (Arg.some conv) None info); default = None; print = None }
  let flag info = { term = Arg.value (Arg.flag info); default = false; print = Some Format.pp_print_bool }
  let opt_all conv info = { term = Arg.value (Arg.opt_all conv [] info); default = []; print = None }

  let info ?deprecated ?absent ?docs ?docv ?doc ?env names =
    Arg.info ?deprecated ?absent ?docs ?docv ?doc ?env names
end

type 'a key = { name : string; arg : 'a Arg.t; mutable chosen : 'a option }
type t = Key : 'a key -> t

let create name arg = { name; arg; chosen = None }
let v key = Key key
let name (Key { name; _ }) = name
let get key = Option.value key.chosen ~default:key.arg.default

type +'a value = { compute : unit -> 'a; keys : t list }

let pure x = { compute = (fun () -> x); keys = [] }
let ( $ ) f x = { compute = (fun () -> f.compute () (x.compute ())); keys = f.keys @ x.keys }
let map f x = pure f $ x
let if_ condition yes no = map (fun condition -> if condition then yes else no) condition
let match_ x f = map f x
let value key = { compute = (fun () -> get key); keys = [ Key key ] }
let keys value = value.keys
let eval value = value.compute ()

let term keys =
  let set (Key key) = Term.(const (fun v -> key.chosen <- Some v) $ key.arg.term) in
  let both key rest = Term.(const (fun () () -> ()) $ set key $ rest) in
  List.fold_right both keys (Term.const ())

let describe (Key key) =
  match key.arg.print with
  | Some print -> Format.asprintf "%s=%a" key.name print (get key)
  | None -> key.name

(* The target *)

type mode_unix = [ `Unix | `MacOSX ]
type mode_xen = [ `Xen | `Qubes ]
type mode_solo5 = [ `Hvt | `Spt | `Virtio | `Muen | `Genode ]
type mode_unikraft = [ `Firecracker | `QEMU ]
type mode = [ mode_unix | mode_xen | mode_solo5 | mode_unikraft ]

let modes : (string * mode) list =
  [
    ("unix", `Unix);
    ("macosx", `MacOSX);
    ("xen", `Xen);
    ("qubes", `Qubes);
    ("virtio", `Virtio);
    ("hvt", `Hvt);
    ("spt", `Spt);
    ("muen", `Muen);
    ("genode", `Genode);
    ("unikraft-firecracker", `Firecracker);
    ("unikraft-qemu", `QEMU);
  ]

let target_name mode = fst (List.find (fun (_, mode') -> mode = mode') modes)

let target =
  let info = Arg.info [ "t"; "target" ] ~docv:"TARGET" ~doc:"What the image is to run on." in
  create "target" (Arg.opt (Cmdliner.Arg.enum modes) `Virtio info)

let is f = map f (value target)
let is_unix = is (function #mode_unix -> true | _ -> false)
let is_xen = is (function #mode_xen -> true | _ -> false)
let is_solo5 = is (function #mode_solo5 -> true | _ -> false)
let is_unikraft = is (function #mode_unikraft -> true | _ -> false)

(* Keys of devices *)

(* Two devices of one group share the key, which has one place on the command line. *)
let grouped name make =
  let made = Hashtbl.create 3 in
  fun ?group () ->
    let name = match group with Some group -> group ^ "-" ^ name | None -> name in
    match Hashtbl.find_opt made name with
    | Some key -> key
    | None ->
        let key = create name (make name) in
        Hashtbl.add made name key;
        key

let choice name cases default ~doc = Arg.opt (Cmdliner.Arg.enum cases) default (Arg.info [ name ] ~doc)

let kv_ro =
  grouped "kv_ro" (fun name ->
      choice name [ ("crunch", `Crunch); ("direct", `Direct) ] `Crunch
        ~doc:"Where a read-only store is: in the image, or a folder of the host.")

let block =
  grouped "block" (fun name ->
      choice name
        [ ("xenstore", `XenstoreId); ("file", `BlockFile); ("ramdisk", `Ramdisk) ]
        `BlockFile ~doc:"What is behind a block device.")

let flag name ~doc = Arg.flag (Arg.info [ name ] ~doc)
let no_dhcp = grouped "no-dhcp" (flag ~doc:"Do not ask for an IPv4 address.")
let utcp = grouped "utcp" (flag ~doc:"Use the TCP implementation utcp.")

let net =
  grouped "net" (fun name ->
      let stacks = [ ("ocaml", Some `OCaml); ("host", Some `Host); ("default", None) ] in
      choice name stacks None ~doc:"Whose network stack to use.")
