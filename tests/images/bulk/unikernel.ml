open Lwt.Infix
open Cmdliner

let bytes =
  let doc = Arg.info ~doc:"How many bytes are sent." [ "bytes" ] in
  Mirage_runtime.register_arg Arg.(value & opt int 1_000_000 doc)

let peer =
  let doc = Arg.info ~doc:"Another such unikernel: take what it gives, and give it as much." [ "peer" ] in
  Mirage_runtime.register_arg Arg.(value & opt (some string) None doc)

module Main (Stack : Tcpip.Stack.V4V6) = struct
  module Tcp = Stack.TCP
  module Hash = Mirage_crypto.Hash.SHA256

  let piece_bytes = 1 lsl 16

  (* The stream is the digests of 0, 1, 2 …, written as decimal numbers, one behind the other. *)
  let piece number =
    let buffer = Cstruct.create piece_bytes in
    let each = piece_bytes / Hash.digest_size in
    for i = 0 to each - 1 do
      let digest = Hash.digest (Cstruct.of_string (string_of_int ((number * each) + i))) in
      Cstruct.blit digest 0 buffer (i * Hash.digest_size) Hash.digest_size
    done;
    buffer

  let give flow =
    let rec go number left =
      if left = 0 then Lwt.return_unit
      else
        let length = min left piece_bytes in
        Tcp.write flow (Cstruct.sub (piece number) 0 length) >>= function
        | Ok () -> go (number + 1) (left - length)
        | Error error ->
            Logs.err (fun log -> log "giving: %a" Tcp.pp_write_error error);
            Lwt.return_unit
    in
    go 0 (bytes ()) >>= fun () -> Tcp.close flow

  let hex digest =
    String.concat "" (List.init (Cstruct.length digest) (fun i -> Printf.sprintf "%02x" (Cstruct.get_uint8 digest i)))

  let take flow =
    let rec go hash total =
      Tcp.read flow >>= function
      | Ok (`Data data) -> go (Hash.feed hash data) (total + Cstruct.length data)
      | Ok `Eof ->
          Logs.info (fun log -> log "took %d bytes, SHA-256 %s" total (hex (Hash.get hash)));
          Tcp.close flow
      | Error error ->
          Logs.err (fun log -> log "taking: %a" Tcp.pp_error error);
          Tcp.close flow
    in
    go Hash.empty 0

  let call stack address (port, talk) =
    Tcp.create_connection (Stack.tcp stack) (Ipaddr.of_string_exn address, port) >>= function
    | Ok flow -> talk flow
    | Error error ->
        Logs.err (fun log -> log "calling: %a" Tcp.pp_error error);
        Lwt.return_unit

  let start stack =
    let tcp = Stack.tcp stack in
    Tcp.listen tcp ~port:5001 give;
    Tcp.listen tcp ~port:5002 take;
    Logs.info (fun log -> log "ready");
    let calls = match peer () with None -> [] | Some address -> List.map (call stack address) [ (5001, take); (5002, give) ] in
    Lwt.join (Stack.listen stack :: calls)
end
