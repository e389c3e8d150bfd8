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

let write (response : Response.t) framing ~request_version ~keep_alive =
  length := 0;
  add_status response.status;
  let as_said = match framing with As_said -> true | _ -> false in
  let field name value keep_alive =
    if says_length name then begin
      if as_said then add_field name value;
      keep_alive
    end
    else if is_connection name then
      if Characters.same "close" value then false
      else begin
        if not (Characters.same "keep-alive" value) then add_field name value;
        keep_alive
      end
    else begin
      add_field name value;
      keep_alive
    end
  in
  let keep_alive = Header.fold field response.headers keep_alive in
  let keep_alive =
    match framing with
    | Nothing | As_said -> keep_alive
    | Until_close -> false
    | Chunked ->
        add "transfer-encoding: chunked\r\n";
        keep_alive
    | Length length ->
        add "content-length: ";
        add_number length;
        add "\r\n";
        keep_alive
  in
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
