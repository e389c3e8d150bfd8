type t = { v4 : Ipaddr.V4.Prefix.t option; v6 : Ipaddr.V6.Prefix.t option; mapped : bool }

let any_v6 = Ipaddr.V6.Prefix.make 0 Ipaddr.V6.unspecified

let create ~ipv4_only ~ipv6_only ~ipv4 ~ipv6 =
  if ipv4_only && ipv6_only then
    failwith "The arguments --ipv4-only and --ipv6-only leave nothing: give at most one of them.";
  let v4 = if ipv6_only then None else Some ipv4 in
  let v6 = if ipv4_only then None else Some (Option.value ipv6 ~default:any_v6) in
  { v4; v6; mapped = Ports.are_mapped () }

let v4_address prefix = Ipaddr.V4.Prefix.address prefix
let v6_address prefix = Ipaddr.V6.Prefix.address prefix
let is_any_v4 prefix = Ipaddr.V4.compare (v4_address prefix) Ipaddr.V4.any = 0
let is_any_v6 prefix = Ipaddr.V6.compare (v6_address prefix) Ipaddr.V6.unspecified = 0
let unix_v4 prefix = Ipaddr_unix.V4.to_inet_addr (v4_address prefix)
let unix_v6 prefix = Ipaddr_unix.V6.to_inet_addr (v6_address prefix)

(* Not every machine has version 6. *)
let has_v6 =
  lazy
    (match Unix.socket ~cloexec:true PF_INET6 SOCK_STREAM 0 with
    | exception Unix.Unix_error _ -> false
    | socket ->
        let bound = try Unix.bind socket (ADDR_INET (Unix.inet6_addr_loopback, 0)); true with Unix.Unix_error _ -> false in
        Unix.close socket;
        bound)

let to_listen { v4; v6; mapped } =
  match (v4, v6) with
  | None, _ when mapped -> [ Unix.inet6_addr_loopback ]
  | Some _, _ when mapped -> [ Unix.inet_addr_loopback ]
  | Some v4, Some v6 when is_any_v4 v4 && is_any_v6 v6 ->
      if Lazy.force has_v6 then [ Unix.inet6_addr_any ] else [ Unix.inet_addr_any ]
  | v4, v6 ->
      let given_v6 v6 = if v4 = None || Lazy.force has_v6 then [ unix_v6 v6 ] else [] in
      List.map unix_v4 (Option.to_list v4) @ Option.fold ~none:[] ~some:given_v6 v6

let source { v4; v6; mapped } peer =
  match (peer, v4, v6) with
  | Ipaddr.V4 _, None, _ -> Error "IPv4 is left out of this stack"
  | V6 _, _, None -> Error "IPv6 is left out of this stack"
  | V4 _, Some v4, _ -> Ok (if mapped || is_any_v4 v4 then None else Some (unix_v4 v4))
  | V6 _, _, Some v6 -> Ok (if mapped || is_any_v6 v6 then None else Some (unix_v6 v6))

let loopback_v4 = Ipaddr.V4.Prefix.make 8 Ipaddr.V4.localhost
let loopback_v6 = Ipaddr.V6.Prefix.make 128 Ipaddr.V6.localhost

let prefixes { v4; v6; mapped } =
  let v4 = Option.map (fun v4 -> Ipaddr.V4 (if mapped then loopback_v4 else v4)) v4 in
  let v6 = Option.map (fun v6 -> Ipaddr.V6 (if mapped then loopback_v6 else v6)) v6 in
  match (v4, v6) with Some v4, Some _ when mapped -> [ v4 ] | _ -> Option.to_list v4 @ Option.to_list v6

let of_unix = function
  | Unix.ADDR_UNIX _ -> invalid_arg "Addresses.of_unix"
  | ADDR_INET (address, port) -> (
      match Ipaddr_unix.of_inet_addr address with
      | V4 _ as address -> (address, port)
      | V6 v6 as address -> ((match Ipaddr.v4_of_v6 v6 with Some v4 -> V4 v4 | None -> address), port) )

let to_unix = Ipaddr_unix.to_inet_addr
let domain address = if Unix.is_inet6_addr address then Unix.PF_INET6 else PF_INET
