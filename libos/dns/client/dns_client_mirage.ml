open Lwt.Infix
module Message = Message
module Nameserver = Nameserver
module Cache = Cache

module type S = sig
  type stack
  type t

  val connect : ?cache_size:int -> ?nameservers:string list -> ?timeout:int64 -> stack -> t Lwt.t
  val nameservers : t -> Nameserver.t list
  val getaddrinfo : t -> Message.kind -> 'a Domain_name.t -> (Ipaddr.t list, [> `Msg of string ]) result Lwt.t
  val gethostbyname : t -> [ `host ] Domain_name.t -> (Ipaddr.V4.t, [> `Msg of string ]) result Lwt.t
  val gethostbyname6 : t -> [ `host ] Domain_name.t -> (Ipaddr.V6.t, [> `Msg of string ]) result Lwt.t
end

let first_wait = Duration.of_sec 1
let most_aliases = 8
let no_such_name = 3
let msg format = Fmt.kstr (fun text -> Error (`Msg text)) format

module Make
    (Stack : Tcpip.Stack.V4V6)
    (Happy_eyeballs : Happy_eyeballs_mirage.S with type stack = Stack.t and type flow = Stack.TCP.flow) =
struct
  module Transport = Transport.Make (Stack)

  type stack = Stack.t * Happy_eyeballs.t
  type t = { stack : Stack.t; servers : Nameserver.t list; timeout : int64; cache : Cache.t }

  let nameservers t = t.servers

  (* A server that fails or is silent leaves the question to the next one; after the last one, the first has more time. *)
  let rec ask t ~deadline ~wait servers kind name =
    let left = Int64.sub deadline (Mirage_mtime.elapsed_ns ()) in
    if Int64.compare left 0L <= 0 then
      let servers = Fmt.(list ~sep:(any ", ") Nameserver.pp) in
      Lwt.return
        (msg "%a: no name server answered in %g s: %a" Domain_name.pp name (Duration.to_f t.timeout) servers t.servers)
    else
      match servers with
      | [] -> ask t ~deadline ~wait:(Int64.mul 2L wait) t.servers kind name
      | server :: others -> (
          let timeout = if Int64.compare wait left < 0 then wait else left in
          Transport.ask t.stack server ~timeout kind name >>= function
          | Some { code = 0; answers; _ } -> Lwt.return (Ok answers)
          | Some { code; _ } when code = no_such_name -> Lwt.return (msg "%a: there is no such name" Domain_name.pp name)
          | Some _ when others = [] -> Lwt.return (msg "%a: the name server failed" Domain_name.pp name)
          | Some _ | None -> ask t ~deadline ~wait others kind name)

  let rec resolve t ~deadline ~aliases kind name =
    ask t ~deadline ~wait:first_wait t.servers kind name >>= function
    | Error _ as error -> Lwt.return error
    | Ok answers -> (
        match Message.follow name answers with
        | _, (_ :: _ as addresses) -> Lwt.return (Ok addresses)
        | target, [] when aliases > 0 && not (Domain_name.equal target name) ->
            resolve t ~deadline ~aliases:(aliases - 1) kind target
        | _, [] ->
            let version = match kind with A -> "IPv4" | Aaaa -> "IPv6" in
            Lwt.return (msg "%a has no %s address" Domain_name.pp name version))

  let getaddrinfo t kind name =
    let name = Domain_name.raw name in
    let now = Mirage_mtime.elapsed_ns () in
    match Cache.find t.cache ~now kind name with
    | Some addresses -> Lwt.return (Ok addresses)
    | None -> (
        resolve t ~deadline:(Int64.add now t.timeout) ~aliases:most_aliases kind name >|= function
        | Ok addresses ->
            Cache.keep t.cache ~now:(Mirage_mtime.elapsed_ns ()) kind name addresses;
            Ok (List.map fst addresses)
        | Error _ as error -> error)

  let gethostbyname t name =
    getaddrinfo t A name >|= function
    | Ok (Ipaddr.V4 address :: _) -> Ok address
    | Ok _ -> assert false
    | Error _ as error -> error

  let gethostbyname6 t name =
    getaddrinfo t Aaaa name >|= function
    | Ok (Ipaddr.V6 address :: _) -> Ok address
    | Ok _ -> assert false
    | Error _ as error -> error

  let server text = match Nameserver.of_string text with Ok server -> server | Error (`Msg reason) -> invalid_arg reason

  let connect ?(cache_size = 64) ?(nameservers = []) ?(timeout = Duration.of_sec 5) (stack, happy_eyeballs) =
    let servers = match nameservers with [] -> Nameserver.defaults | texts -> List.map server texts in
    let t = { stack; servers; timeout; cache = Cache.create cache_size } in
    let addresses version name =
      getaddrinfo t (match version with `V4 -> A | `V6 -> Aaaa) name
    in
    Happy_eyeballs.inject happy_eyeballs addresses;
    Lwt.return t
end
