open Impl

type network

let network = abstract_type ()
let kind = "network"

let device ~runtime_args name =
  let connect (info : Info.t) module_name args =
    let place = Info.place info ~name ~kind in
    let named = match args with [ argument ] -> argument | _ -> Printf.sprintf "%S" name in
    code ~pos:__POS__ "%s.connect ~place:%d %s" module_name place named
  in
  let kind = Hardware { name; kind } in
  v "Netif" ~variable:"netif" ~kind ~packages:[ Package.v "unikernel-net" ] ~runtime_args ~connect network

(* On the bus an interface has a name; a process is told at its start to which TAP interface of its machine it belongs. *)
let on_bus = once (device ~runtime_args:[])

let tap =
  once (fun (group, name) -> device ~runtime_args:[ Runtime_arg.v (Runtime_arg.interface ?group name) ] name)

let netif ?group name = if_ Key.is_unix (tap (group, name)) (on_bus name)
let default_network = if_ Key.is_unix (netif "tap0") (netif "service")

type ethernet

let ethernet = abstract_type ()

let ethernet_over =
  over "Ethernet.Make" ~variable:"ethif" ~packages:[ Package.v "ethernet" ] (network @-> ethernet)

let ethif network = ethernet_over $ network
let etif = ethif

type arpv4

let arpv4 = abstract_type ()

let arp_over =
  over "Arp.Make" ~variable:"arpv4" ~packages:[ Package.v ~sublibs:[ "mirage" ] "arp" ] (ethernet @-> arpv4)

let arp ethernet = arp_over $ ethernet
