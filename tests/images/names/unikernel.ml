open Lwt.Infix
open Cmdliner

let argument kind default name = Mirage_runtime.register_arg Arg.(value & opt_all kind default & info [ name ])
let names = argument Arg.string [] "ask"
let uris = argument Arg.string [] "get"

module Main (Dns : Dns_client_mirage.S) (Client : Cohttp_lwt.S.Client) = struct
  let ask dns text =
    let name = Domain_name.(host_exn (of_string_exn text)) in
    let show version pp = function
      | Ok address -> Printf.printf "%s %s: %s\n%!" text version (Fmt.str "%a" pp address)
      | Error (`Msg reason) -> Printf.printf "%s %s: no: %s\n%!" text version reason
    in
    Dns.gethostbyname dns name >|= show "IPv4" Ipaddr.V4.pp >>= fun () ->
    Dns.gethostbyname6 dns name >|= show "IPv6" Ipaddr.V6.pp

  let get client text =
    let fetch () =
      Client.get ~ctx:client (Uri.of_string text) >>= fun (response, body) ->
      let status = Cohttp.Code.code_of_status (Cohttp.Response.status response) in
      Cohttp_lwt.Body.to_string body >|= fun body ->
      Printf.printf "%s: %d, %s\n%!" text status (Digest.to_hex (Digest.string body))
    in
    Lwt.catch fetch (fun exn ->
        let reason = match exn with Failure reason -> reason | exn -> Printexc.to_string exn in
        Printf.printf "%s: no: %s\n%!" text reason;
        Lwt.return_unit)

  let start dns client =
    Lwt_list.iter_s (ask dns) (names ()) >>= fun () -> Lwt_list.iter_s (get client) (uris ())
end
