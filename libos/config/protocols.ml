open Impl
open Internet
open Transport

type happy_eyeballs

let happy_eyeballs = abstract_type ()

let generic_happy_eyeballs ?group ?aaaa_timeout:_ ?connect_delay ?connect_timeout ?resolve_timeout:_ ?resolve_retries:_
    ?timer_interval:_ stack =
  let runtime_args =
    Runtime_arg.[ v (he_connect_delay ?group connect_delay); v (he_connect_timeout ?group connect_timeout) ]
  in
  let connect _ module_name = function
    | [ stack; delay; timeout ] ->
        code ~pos:__POS__ "%s.connect_device ?connect_delay:%s ?connect_timeout:%s %s" module_name delay timeout stack
    | _ -> assert false
  in
  v "Happy_eyeballs_mirage.Make" ~variable:"happy_eyeballs"
    ~packages:[ Package.v "happy-eyeballs-mirage" ]
    ~runtime_args ~connect (stackv4v6 @-> happy_eyeballs)
  $ stack

type dns_client

let dns_client = abstract_type ()

(* RFC 2132, section 3.8 *)
let dns_servers_option = 6

(* The servers that are named, else those that DHCP tells. *)
let servers_or_lease ~servers lease =
  match lease with
  | None -> servers
  | Some lease ->
      Printf.sprintf
        "(match %s with\n  | Some _ as servers -> servers\n  | None -> Dns_client_mirage.Nameserver.of_lease %s)" servers lease

let lease_of dhcp =
  Option.iter (fun (requests, _) -> add_dhcp_request requests dns_servers_option) dhcp;
  Option.map (fun (_, lease) -> [ dep lease ]) dhcp

let dns_packages = [ Package.v "dns-client-mirage" ]

let generic_dns_client ?dhcp ?group ?timeout ?nameservers ?cache_size stack_t happy_eyeballs_t =
  let runtime_args =
    Runtime_arg.
      [ v (dns_servers ?group nameservers); v (dns_timeout ?group timeout); v (dns_cache_size ?group cache_size) ]
  in
  let connect module_name stack happy_eyeballs lease servers timeout cache_size =
    code ~pos:__POS__ "%s.connect ?nameservers:%s\n  ?timeout:%s ?cache_size:%s (%s, %s)" module_name
      (servers_or_lease ~servers lease) timeout cache_size stack happy_eyeballs
  in
  let connect _ module_name = function
    | [ stack; eyeballs; servers; timeout; size ] -> connect module_name stack eyeballs None servers timeout size
    | [ stack; eyeballs; lease; servers; timeout; size ] ->
        connect module_name stack eyeballs (Some lease) servers timeout size
    | _ -> assert false
  in
  v "Dns_client_mirage.Make" ~variable:"dns_client" ~packages:dns_packages ~runtime_args ?extra_deps:(lease_of dhcp)
    ~connect
    (stackv4v6 @-> happy_eyeballs @-> dns_client)
  $ stack_t $ happy_eyeballs_t

type resolver

let resolver = abstract_type ()

let resolver_dns ?dhcp ?ns stack_t =
  let connect module_name stack lease servers =
    code ~pos:__POS__
      "%s.v ?nameservers:%s %s >|= function\n| Ok resolver -> resolver\n| Error (`Msg reason) -> invalid_arg reason"
      module_name (servers_or_lease ~servers lease) stack
  in
  let connect _ module_name = function
    | [ stack; servers ] -> connect module_name stack None servers
    | [ stack; lease; servers ] -> connect module_name stack (Some lease) servers
    | _ -> assert false
  in
  v "Resolver_mirage.Make" ~variable:"resolver"
    ~packages:(Package.v "conduit-mirage" :: dns_packages)
    ~runtime_args:[ Runtime_arg.(v (resolver ns)) ]
    ?extra_deps:(lease_of dhcp) ~connect (stackv4v6 @-> resolver)
  $ stack_t

let resolver_unix_system = unsupported "resolver_unix_system"

type conduit

let conduit = abstract_type ()

let tcp_conduit =
  v "Conduit_mirage.TCP" ~variable:"conduit" ~packages:[ Package.v "conduit-mirage" ] (stackv4v6 @-> conduit)

let conduit_direct ?(tls = false) stack =
  if tls then unsupported "conduit_direct ~tls:true" else tcp_conduit $ stack

type mimic

let mimic = abstract_type ()
let mimic_happy_eyeballs _ _ _ = unsupported "mimic_happy_eyeballs"

type http

let http = abstract_type ()

let cohttp_server_over =
  let connect _ module_name args = code ~pos:__POS__ "return (%s.listen %s)" module_name (String.concat " " args) in
  v "Cohttp_mirage.Server.Make" ~variable:"http_server" ~packages:[ Package.v "cohttp-mirage" ] ~connect (conduit @-> http)

let cohttp_server conduit = cohttp_server_over $ conduit
let httpaf_server _ = unsupported "httpaf_server"

type http_client

let http_client = abstract_type ()

let cohttp_client_over =
  let connect _ module_name args = code ~pos:__POS__ "return (%s.ctx %s)" module_name (String.concat " " args) in
  v "Cohttp_mirage.Client.Make" ~variable:"http_client" ~packages:[ Package.v "cohttp-mirage" ] ~connect
    (resolver @-> conduit @-> http_client)

let cohttp_client resolver conduit = cohttp_client_over $ resolver $ conduit

type http_server

let http_server = abstract_type ()
let paf_server ~port:_ _ = unsupported "paf_server"

type alpn_client

let alpn_client = abstract_type ()
let paf_client _ _ = unsupported "paf_client"

type git_client

let git_client = abstract_type ()
let merge_git_clients _ _ = unsupported "merge_git_clients"
let git_tcp _ _ = unsupported "git_tcp"
let git_ssh ?group:_ ?authenticator:_ ?key:_ ?password:_ _ _ = unsupported "git_ssh"
let git_http ?group:_ ?authenticator:_ ?headers:_ _ _ = unsupported "git_http"

type syslog

let syslog = abstract_type ()
let syslog_udp ?group:_ _ = unsupported "syslog_udp"
let syslog_tcp ?group:_ _ = unsupported "syslog_tcp"
let syslog_tls ?group:_ _ _ = unsupported "syslog_tls"
let monitoring ?group:_ _ = unsupported "monitoring"
