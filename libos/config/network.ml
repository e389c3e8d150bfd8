open Impl

type network

let network = abstract_type ()
let kind = "network"

(* On the bus an interface has a name; a process has no bus. *)
let interface =
  once (fun name ->
      let connect (info : Info.t) module_name _ =
        match info.target with
        | #Key.mode_unix -> Refusal.unsupported ~what:"device" "network of the target unix"
        | _ -> code ~pos:__POS__ "%s.connect ~place:%d %S" module_name (Info.place info ~name ~kind) name
      in
      v "Netif" ~variable:"netif" ~kind:(Hardware { name; kind }) ~packages:[ Package.v "unikernel-net" ] ~connect network)

let netif ?group:_ name = interface name
let default_network = netif "service"

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
