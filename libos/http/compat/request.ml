include Cohttp.Request

(* Characters that mean only themselves, wherever in a URI they stand. *)
let is_plain = function 'a' .. 'z' | 'A' .. 'Z' | '0' .. '9' | '-' | '_' | '~' -> true | _ -> false

(* A path that is as it will be: nothing is encoded, and no segment is empty or begins with a dot. *)
let rec is_plain_path path i stop =
  i = stop
  ||
  match path.[i] with
  | '/' -> (i + 1 = stop || is_plain path.[i + 1]) && is_plain_path path (i + 1) stop
  | '.' -> is_plain_path path (i + 1) stop
  | char -> is_plain char && is_plain_path path (i + 1) stop

let is_name host = host <> "" && String.for_all (fun char -> is_plain char || char = '.') host

let port_of_string text =
  let digits = String.length text in
  if digits > 0 && digits <= 5 && String.for_all (function '0' .. '9' -> true | _ -> false) text then
    int_of_string_opt text
  else None

type host = Without | Named of string * int option | Other

let host_of headers =
  match Header.get headers "host" with
  | None -> Without
  | Some host -> (
      match String.index_opt host ':' with
      | None -> if is_name host then Named (host, None) else Other
      | Some colon -> (
          let name = String.sub host 0 colon in
          match port_of_string (String.sub host (colon + 1) (String.length host - colon - 1)) with
          | Some _ as port when is_name name -> Named (name, port)
          | _ -> Other))

(* A URI in pieces needs no parser. *)
let uri ({ resource; headers; scheme; _ } as request) =
  let length = String.length resource in
  let path_end = Option.value (String.index_opt resource '?') ~default:length in
  if length > 0 && resource.[0] = '/' && Option.is_none scheme && is_plain_path resource 0 path_end then
    let make ?host ?port () =
      let path = String.sub resource 0 path_end in
      if path_end = length then Uri.make ?host ?port ~path ()
      else
        let query = Uri.query_of_encoded (String.sub resource (path_end + 1) (length - path_end - 1)) in
        Uri.make ?host ?port ~path ~query ()
    in
    match host_of headers with
    | Without -> make ()
    | Named (host, port) -> make ~host ?port ()
    | Other -> Cohttp.Request.uri request
  else Cohttp.Request.uri request

let has_body request = Cohttp.Transfer.has_body request.encoding
