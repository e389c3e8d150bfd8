(** What speaks over a network stack: names, connections, HTTP, Git, monitoring. *)

open Impl
open Internet
open Transport

(** {1 Names} *)

type happy_eyeballs

val happy_eyeballs : happy_eyeballs typ

val generic_happy_eyeballs :
  ?group:string ->
  ?aaaa_timeout:int64 ->
  ?connect_delay:int64 ->
  ?connect_timeout:int64 ->
  ?resolve_timeout:int64 ->
  ?resolve_retries:int ->
  ?timer_interval:int64 ->
  stackv4v6 t ->
  happy_eyeballs t

type dns_client

val dns_client : dns_client typ

val generic_dns_client :
  ?dhcp:dhcp_requests * lease t ->
  ?group:string ->
  ?timeout:int64 ->
  ?nameservers:string list ->
  ?cache_size:int ->
  stackv4v6 t ->
  happy_eyeballs t ->
  dns_client t

type resolver

val resolver : resolver typ
val resolver_dns : ?dhcp:dhcp_requests * lease t -> ?ns:string list -> stackv4v6 t -> resolver t
val resolver_unix_system : resolver t

(** {1 Connections} *)

type conduit

val conduit : conduit typ
val conduit_direct : ?tls:bool -> stackv4v6 t -> conduit t

type mimic

val mimic : mimic typ
val mimic_happy_eyeballs : stackv4v6 t -> happy_eyeballs t -> dns_client t -> mimic t

(** {1 HTTP} *)

type http

val http : http typ
(** [Cohttp_mirage.Server.S]. *)

val cohttp_server : conduit t -> http t
val httpaf_server : conduit t -> http t

type http_client

val http_client : http_client typ
val cohttp_client : resolver t -> conduit t -> http_client t

type http_server

val http_server : http_server typ
val paf_server : port:int Runtime_arg.arg -> tcpv4v6 t -> http_server t

type alpn_client

val alpn_client : alpn_client typ
val paf_client : tcpv4v6 t -> mimic t -> alpn_client t

(** {1 Git} *)

type git_client

val git_client : git_client typ
val merge_git_clients : git_client t -> git_client t -> git_client t
val git_tcp : tcpv4v6 t -> mimic t -> git_client t

val git_ssh :
  ?group:string ->
  ?authenticator:string ->
  ?key:string ->
  ?password:string ->
  tcpv4v6 t ->
  mimic t ->
  git_client t

val git_http :
  ?group:string ->
  ?authenticator:string ->
  ?headers:(string * string) list ->
  tcpv4v6 t ->
  mimic t ->
  git_client t

(** {1 Monitoring} *)

type syslog

val syslog : syslog typ
val syslog_udp : ?group:string -> stackv4v6 t -> syslog t
val syslog_tcp : ?group:string -> stackv4v6 t -> syslog t
val syslog_tls : ?group:string -> stackv4v6 t -> Storage.kv_ro t -> syslog t
val monitoring : ?group:string -> stackv4v6 t -> Basic.job t
