open Impl
open Transport

type happy_eyeballs

let happy_eyeballs = abstract_type ()

let generic_happy_eyeballs ?group:_ ?aaaa_timeout:_ ?connect_delay:_ ?connect_timeout:_ ?resolve_timeout:_
    ?resolve_retries:_ ?timer_interval:_ _ =
  unsupported "generic_happy_eyeballs"

type dns_client

let dns_client = abstract_type ()

let generic_dns_client ?dhcp:_ ?group:_ ?timeout:_ ?nameservers:_ ?cache_size:_ _ _ =
  unsupported "generic_dns_client"

type resolver

let resolver = abstract_type ()
let resolver_dns ?dhcp:_ ?ns:_ _ = unsupported "resolver_dns"
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
let cohttp_client _ _ = unsupported "cohttp_client"

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
