module Conv = struct
  let conv what of_string pp =
    let parse text =
      match of_string text with
      | Ok _ as ok -> ok
      | Error (`Msg _) -> Error (`Msg (Printf.sprintf "%s is no %s" text what))
    in
    Cmdliner.Arg.conv (parse, pp)

  let with_prefix example = "address with the length of its prefix, as in " ^ example
  let ipv4_address = conv "IPv4 address" Ipaddr.V4.of_string Ipaddr.V4.pp
  let ipv4 = conv (with_prefix "10.0.0.2/24") Ipaddr.V4.Prefix.of_string Ipaddr.V4.Prefix.pp
  let ipv6_address = conv "IPv6 address" Ipaddr.V6.of_string Ipaddr.V6.pp
  let ipv6 = conv (with_prefix "fd00::2/64") Ipaddr.V6.Prefix.of_string Ipaddr.V6.Prefix.pp
  let ip_address = conv "IP address" Ipaddr.of_string Ipaddr.pp
end

open Cmdliner

let argument ?(group = "") ?(docs = Mirage_runtime.s_net) ?docv ~doc name kind default =
  let name = if group = "" then name else group ^ "-" ^ name in
  Arg.(value & opt kind default & info [ name ] ~docs ?docv ~doc)

let interface ?group ?docs default =
  argument ?group ?docs "interface" Arg.string default ~docv:"INTERFACE" ~doc:"The network interface to use."

let network_doc example = "The address in its network, as in $(b," ^ example ^ ")."
let gateway_doc = "Who forwards packets to other networks."

module V4 = struct
  let name = "ipv4"
  let docv = "ADDRESS/BITS"
  let doc = network_doc "10.0.0.2/24"
  let network ?group ?docs default = argument ?group ?docs name Conv.ipv4 default ~docv ~doc

  let optional_network ?group ?docs () =
    argument ?group ?docs name (Arg.some Conv.ipv4) None ~docv ~doc:(doc ^ " Without it, DHCP is asked.")

  let gateway ?group ?docs default =
    argument ?group ?docs "ipv4-gateway" (Arg.some Conv.ipv4_address) default ~docv:"ADDRESS" ~doc:gateway_doc
end

module V6 = struct
  let network ?group ?docs default =
    let doc = network_doc "fd00::2/64" in
    argument ?group ?docs "ipv6" (Arg.some Conv.ipv6) default ~docv:"ADDRESS/BITS" ~doc

  let gateway ?group ?docs default =
    argument ?group ?docs "ipv6-gateway" (Arg.some Conv.ipv6_address) default ~docv:"ADDRESS" ~doc:gateway_doc

  let accept_router_advertisements ?group ?docs () =
    let doc = "Whether routers may tell what addresses to take." in
    argument ?group ?docs "accept-router-advertisements" Arg.bool true ~docv:"BOOL" ~doc
end

let only name ?group ?docs () = argument ?group ?docs (name ^ "-only") Arg.bool false ~docv:"BOOL"
let ipv4_only ?group ?docs () = only "ipv4" ?group ?docs () ~doc:"Whether to leave out IPv6."
let ipv6_only ?group ?docs () = only "ipv6" ?group ?docs () ~doc:"Whether to leave out IPv4."

(* Of a type that says itself that it may be left out. *)
let optional name kind ~docv ~doc ~docs ?group default = argument ?group ~docs name (Arg.some kind) default ~docv ~doc

let resolver ?group ?(docs = Mirage_runtime.s_net) ?default () =
  optional "resolver" Arg.(list string) ~docv:"SERVERS" ~doc:"The name servers to ask, with commas between." ~docs ?group default

let dns_servers ?group ?(docs = Mirage_runtime.s_dns) default =
  let doc = "The name servers to ask, with commas between: addresses, as in $(b,10.0.2.3,tcp:10.0.0.1:5353)." in
  optional "dns-servers" Arg.(list string) ~docv:"SERVERS" ~doc ~docs ?group default

let nanoseconds = "NANOSECONDS"

let dns_timeout ?group ?(docs = Mirage_runtime.s_dns) default =
  optional "dns-timeout" Arg.int64 ~docv:nanoseconds ~doc:"How long to ask for a name." ~docs ?group default

let dns_cache_size ?group ?(docs = Mirage_runtime.s_dns) default =
  optional "dns-cache-size" Arg.int ~docv:"NAMES" ~doc:"How many names to remember." ~docs ?group default

let he_connect_delay ?group ?(docs = Mirage_runtime.s_he) default =
  let doc = "How long to wait for one address of a host before the next is tried too." in
  optional "he-connect-delay" Arg.int64 ~docv:nanoseconds ~doc ~docs ?group default

let he_connect_timeout ?group ?(docs = Mirage_runtime.s_he) default =
  optional "he-connect-timeout" Arg.int64 ~docv:nanoseconds ~doc:"How long to try to connect." ~docs ?group default

module Arg = Conv
