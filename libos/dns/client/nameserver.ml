type protocol = Udp_then_tcp | Tcp
type t = { protocol : protocol; address : Ipaddr.t; port : int }

let port = 53

let without ~prefix text =
  let length = String.length prefix in
  if String.starts_with ~prefix text then Some (String.sub text length (String.length text - length)) else None

let of_string text =
  let place protocol text =
    match Ipaddr.with_port_of_string ~default:port text with
    | Ok (address, port) when port > 0 && port < 65536 -> Ok { protocol; address; port }
    | Ok _ | Error _ -> Error (`Msg (Printf.sprintf "%S is no address of a name server" text))
  in
  if String.starts_with ~prefix:"tls:" text then
    Error (`Msg (Printf.sprintf "%s: DNS over TLS is not in the offline toolchain; labkit build --toolchain opam has it" text))
  else
    match (without ~prefix:"udp:" text, without ~prefix:"tcp:" text) with
    | Some text, _ -> place Udp_then_tcp text
    | None, Some text -> place Tcp text
    | None, None -> place Udp_then_tcp text

let pp ppf { protocol; address; port = number } =
  if protocol = Tcp then Fmt.string ppf "tcp:";
  if number = port then Ipaddr.pp ppf address
  else
    match address with
    | Ipaddr.V4 address -> Fmt.pf ppf "%a:%d" Ipaddr.V4.pp address number
    | Ipaddr.V6 address -> Fmt.pf ppf "[%a]:%d" Ipaddr.V6.pp address number

let defaults =
  let of_address address = { protocol = Udp_then_tcp; address; port } in
  List.map (fun text -> of_address (Ipaddr.of_string_exn text)) [ "91.239.100.100"; "2001:67c:28a4::" ]

let lease_option = 6

let of_lease options =
  let rec addresses octets place =
    match Ipaddr.V4.of_octets ~off:place octets with
    | Ok address -> Ipaddr.V4.to_string address :: addresses octets (place + 4)
    | Error _ -> []
  in
  match List.assoc_opt lease_option (Option.value options ~default:[]) with
  | None -> None
  | Some octets -> ( match addresses octets 0 with [] -> None | servers -> Some servers)
