open Cohttp

type framing = Nothing | As_said | Length of int | Chunked | Until_close

(* A head is put together and then copied at once, so one buffer does for all connections. *)
let buffer = ref (Bytes.create 1024)
let length = ref 0

let reserve count =
  let needed = !length + count in
  if needed > Bytes.length !buffer then buffer := Bytes.extend !buffer 0 needed

(* [reserve] has been called. *)
let put text =
  let count = String.length text in
  Bytes.unsafe_blit_string text 0 !buffer !length count;
  length := !length + count

let put_char char =
  Bytes.unsafe_set !buffer !length char;
  incr length

let add text =
  reserve (String.length text);
  put text

let rec add_number n =
  if n >= 10 then add_number (n / 10);
  reserve 1;
  put_char (Char.unsafe_chr (48 + (n mod 10)))

(* What an application was given by a client must not become a field of its own. *)
let clean text =
  let length = String.length text in
  if Characters.skip Characters.value text 0 length = length then text
  else String.map (fun char -> if Characters.mem Characters.value char then char else ' ') text

let add_field name value =
  let name = clean name and value = clean value in
  reserve (String.length name + String.length value + 4);
  put name;
  put_char ':';
  put_char ' ';
  put value;
  put_char '\r';
  put_char '\n'

(* Names in [Header.t] are in lower case. *)
let says_length name =
  match String.length name with
  | 14 -> String.equal name "content-length"
  | 17 -> String.equal name "transfer-encoding"
  | _ -> false

let is_connection name = String.length name = 10 && String.equal name "connection"

let add_status = function
  | `OK -> add "HTTP/1.1 200 OK\r\n"
  | status ->
      add "HTTP/1.1 ";
      add (Code.string_of_status status);
      add "\r\n"

(* The fields of a response, and whether they ask for the connection to be closed. *)
let add_fields headers ~as_said =
  let field name value closes =
    if says_length name then begin
      if as_said then add_field name value;
      closes
    end
    else if is_connection name then begin
      let asks_to_close = Characters.same "close" value in
      if not (asks_to_close || Characters.same "keep-alive" value) then add_field name value;
      closes || asks_to_close
    end
    else begin
      add_field name value;
      closes
    end
  in
  Header.fold field headers false

(* Most applications have few sets of fields, which they use over and over: the last ones are kept as bytes. *)

type kept = { headers : Header.t; bytes : string; closes : bool }

let kept = Array.make 8 { headers = Header.init (); bytes = ""; closes = false }
let oldest = ref 0

let rec find headers i =
  if i = Array.length kept then None
  else
    let entry = Array.unsafe_get kept i in
    if entry.headers == headers then Some entry else find headers (i + 1)

let add_usual_fields headers =
  match find headers 0 with
  | Some { bytes; closes; _ } ->
      add bytes;
      closes
  | None ->
      let start = !length in
      let closes = add_fields headers ~as_said:false in
      kept.(!oldest) <- { headers; bytes = Bytes.sub_string !buffer start (!length - start); closes };
      oldest := (!oldest + 1) mod Array.length kept;
      closes

let write (response : Response.t) framing ~request_version ~keep_alive =
  length := 0;
  add_status response.status;
  let closes =
    match framing with
    | As_said -> add_fields response.headers ~as_said:true
    | Nothing | Length _ | Chunked | Until_close -> add_usual_fields response.headers
  in
  (match framing with
  | Nothing | As_said | Until_close -> ()
  | Chunked -> add "transfer-encoding: chunked\r\n"
  | Length length ->
      add "content-length: ";
      add_number length;
      add "\r\n");
  let keep_alive = keep_alive && (not closes) && match framing with Until_close -> false | _ -> true in
  (match (keep_alive, request_version) with
  | false, _ -> add "connection: close\r\n\r\n"
  | true, `HTTP_1_0 -> add "connection: keep-alive\r\n\r\n"
  | true, _ -> add "\r\n");
  keep_alive

let joined body count =
  let result = Cstruct.create_unsafe (!length + count) in
  Cstruct.blit_from_bytes !buffer 0 result 0 !length;
  Cstruct.blit_from_string body 0 result !length count;
  result

let text () = Bytes.sub_string !buffer 0 !length
