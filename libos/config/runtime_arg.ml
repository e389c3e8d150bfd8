type pos = string * int * int * int
type t = { name : string; term : string; pos : pos option; packages : Package.t list }
type 'a arg = t

(* Whatever expression it is, it becomes the argument of a function. *)
let parenthesised term = if String.contains term ' ' then "(" ^ term ^ ")" else term

let create ~pos ?(packages = []) term =
  { name = Name.of_expression term; term = parenthesised term; pos = Some pos; packages }

let stock ~name term = { name; term; pos = None; packages = [] }
let v arg = arg
let name arg = arg.name
let term arg = arg.term
let pos arg = arg.pos
let packages arg = arg.packages
let logs = stock ~name:"logs_arg" "Mirage_runtime.logs"
let delay = stock ~name:"delay_arg" "Mirage_runtime.delay"

(* Terms of Mirage_runtime_network, applied to what is known here. *)

let network ?group name term default =
  let group_argument = match group with None | Some "" -> "" | Some group -> Printf.sprintf "~group:%S " group in
  let prefix = match group with None | Some "" -> "" | Some group -> Name.of_expression group ^ "_" in
  {
    name = prefix ^ name ^ "_arg";
    term = Printf.sprintf "(Mirage_runtime_network.%s %s%s)" term group_argument default;
    pos = None;
    packages = [ Package.v ~sublibs:[ "network" ] "mirage-runtime" ];
  }

let interface ?group default = network ?group "interface" "interface" (Printf.sprintf "%S" default)
let optional value to_text = match value with None -> "None" | Some value -> "(Some " ^ to_text value ^ ")"
let parsed of_string to_string value = Printf.sprintf "(Ipaddr.%s %S)" of_string (to_string value)
let v4_prefix = parsed "V4.Prefix.of_string_exn" Ipaddr.V4.Prefix.to_string
let v4_address = parsed "V4.of_string_exn" Ipaddr.V4.to_string
let v6_prefix = parsed "V6.Prefix.of_string_exn" Ipaddr.V6.Prefix.to_string
let v6_address = parsed "V6.of_string_exn" Ipaddr.V6.to_string
let ipv4 ?group default = network ?group "ipv4" "V4.network" (v4_prefix default)
let optional_ipv4 ?group () = network ?group "ipv4" "V4.optional_network" "()"
let ipv4_gateway ?group default = network ?group "ipv4_gateway" "V4.gateway" (optional default v4_address)
let ipv4_only ?group () = network ?group "ipv4_only" "ipv4_only" "()"
let ipv6 ?group default = network ?group "ipv6" "V6.network" (optional default v6_prefix)
let ipv6_gateway ?group default = network ?group "ipv6_gateway" "V6.gateway" (optional default v6_address)
let ipv6_only ?group () = network ?group "ipv6_only" "ipv6_only" "()"

let accept_router_advertisements ?group () =
  network ?group "accept_router_advertisements" "V6.accept_router_advertisements" "()"

let strings texts = "[ " ^ String.concat "; " (List.map (Printf.sprintf "%S") texts) ^ " ]"
let int64 = Printf.sprintf "%LdL"

let resolver default =
  network "resolver" "resolver" (match default with None -> "()" | Some servers -> "~default:" ^ strings servers ^ " ()")

let dns_servers ?group default = network ?group "dns_servers" "dns_servers" (optional default strings)
let dns_timeout ?group default = network ?group "dns_timeout" "dns_timeout" (optional default int64)
let dns_cache_size ?group default = network ?group "dns_cache_size" "dns_cache_size" (optional default string_of_int)
let he_connect_delay ?group default = network ?group "he_connect_delay" "he_connect_delay" (optional default int64)
let he_connect_timeout ?group default = network ?group "he_connect_timeout" "he_connect_timeout" (optional default int64)
