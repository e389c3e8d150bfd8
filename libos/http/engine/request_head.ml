open Cohttp

type framing = Nothing | Length of int | Chunked
type connection = Unsaid | Keep_alive | Close

type t = {
  limits : Limits.t;
  mutable line : int;  (* where the line begins that is being read *)
  mutable left : int;  (* bytes that the head may still have from there on *)
  mutable meth : Code.meth;
  mutable target : string;  (* empty until the first line is read *)
  mutable old : bool;  (* HTTP/1.0 *)
  mutable headers : Header.t;
  mutable fields : int;
  mutable hosts : int;
  mutable content_length : int;  (* -1 if there is none *)
  mutable chunked : bool;
  mutable connection : connection;
  mutable expects_continue : bool;
}

let create limits =
  {
    limits;
    line = 0;
    left = limits.Limits.head_bytes;
    meth = `GET;
    target = "";
    old = false;
    headers = Header.init ();
    fields = 0;
    hosts = 0;
    content_length = -1;
    chunked = false;
    connection = Unsaid;
    expects_continue = false;
  }

let bad = Refusal.bad

(* Characters and lines *)

exception Short

let at_stop t place =
  if place - t.line < t.left then raise_notrace Short
  else if t.target = "" then Refusal.raise_ `Request_uri_too_long "the first line is too long"
  else Refusal.raise_ `Request_header_fields_too_large "the header fields are too long"

(* [stop] is where the data ends, or what the head may have of it. *)
let char t data stop place = if place < stop then String.unsafe_get data place else at_stop t place

let end_of_line t data stop place =
  match char t data stop place with
  | '\n' -> place + 1
  | '\r' when char t data stop (place + 1) = '\n' -> place + 2
  | _ -> bad "a character that does not belong there"

let line_is_done t next =
  t.left <- t.left - (next - t.line);
  t.line <- next

(* The first line *)

let not_http data place =
  if data.[place] = '\022' then bad "not HTTP but a TLS handshake: here is no HTTPS" else bad "not an HTTP request"

let digit t data stop place =
  match char t data stop place with '0' .. '9' as digit -> digit | _ -> bad "not an HTTP version"

let protocol = "HTTP/"
let usual = "HTTP/1.1"

external eight_bytes : string -> int -> int64 = "%caml_string_get64"

(* Whether it is 1.0; all later ones of the first major version are read as 1.1. *)
let rec is_old t data stop place =
  if place + 8 <= stop && eight_bytes data place = eight_bytes usual 0 then false else is_old_or_odd t data stop place

and is_old_or_odd t data stop place =
  for i = 0 to String.length protocol - 1 do
    if char t data stop (place + i) <> protocol.[i] then bad "not an HTTP version"
  done;
  let major = digit t data stop (place + 5) in
  if char t data stop (place + 6) <> '.' then bad "not an HTTP version";
  let minor = digit t data stop (place + 7) in
  if major <> '1' then Refusal.raise_ `Http_version_not_supported "this is a server of HTTP/1.1";
  minor = '0'

let longest_method = 32

let meth data place length =
  if length = 3 && data.[place] = 'G' && data.[place + 1] = 'E' && data.[place + 2] = 'T' then `GET
  else Code.method_of_string (String.sub data place length)

(* RFC 9112, section 3.2: a path, a whole URI, a host and port, or an asterisk. *)
let check_target meth target =
  match (target.[0], meth) with
  | '/', _ | _, `CONNECT -> ()
  | '*', `OPTIONS when target = "*" -> ()
  | ('a' .. 'z' | 'A' .. 'Z'), _ when String.contains target ':' -> ()
  | _ -> bad "a target that is neither a path nor a URI"

let first_line t data stop =
  let place = t.line in
  let blank = Characters.skip Characters.token data place (Int.min stop (place + longest_method + 1)) in
  if blank - place > longest_method then not_http data place;
  if char t data stop blank <> ' ' || blank = place then not_http data place;
  let target = blank + 1 in
  let target_end = Characters.skip Characters.target data target stop in
  if char t data stop target_end <> ' ' || target_end = target then bad "not an HTTP request";
  let old = is_old t data stop (target_end + 1) in
  let next = end_of_line t data stop (target_end + 9) in
  let meth = meth data place (blank - place) in
  let target = String.sub data target (target_end - target) in
  check_target meth target;
  t.meth <- meth;
  t.target <- target;
  t.old <- old;
  line_is_done t next

(* RFC 9112, section 2.2: old clients send an empty line behind a body. *)
let rec skip_empty_lines t data stop =
  match char t data stop t.line with
  | '\r' | '\n' ->
      line_is_done t (end_of_line t data stop t.line);
      skip_empty_lines t data stop
  | _ -> ()

(* Header fields *)

let tokens value = List.map String.trim (String.split_on_char ',' value)

let note_connection t value =
  let note token =
    if Characters.same "close" token then t.connection <- Close
    else if Characters.same "keep-alive" token && t.connection = Unsaid then t.connection <- Keep_alive
  in
  List.iter note (tokens value)

let most_digits = 15

let note_content_length t value =
  let digits = String.length value in
  if digits = 0 || not (String.for_all (function '0' .. '9' -> true | _ -> false) value) then
    bad "a content-length that is no number";
  if digits > most_digits then Refusal.raise_ `Request_entity_too_large "the body is too long";
  let length = int_of_string ("0u" ^ value) in
  if t.content_length >= 0 && t.content_length <> length then bad "two values for content-length";
  t.content_length <- length

let note_transfer_encoding t value =
  if t.chunked || not (Characters.same "chunked" value) then
    Refusal.raise_ `Not_implemented "a transfer-encoding other than chunked";
  t.chunked <- true

let note_expect t value =
  if not (Characters.same "100-continue" value) then
    Refusal.raise_ `Expectation_failed "an expectation other than 100-continue";
  t.expects_continue <- true

(* The fields that say how the request is to be read. *)
let note t name value =
  match String.length name with
  | 4 when Characters.same "host" name -> t.hosts <- t.hosts + 1
  | 6 when Characters.same "expect" name -> note_expect t value
  | 10 when Characters.same "connection" name -> note_connection t value
  | 14 when Characters.same "content-length" name -> note_content_length t value
  | 17 when Characters.same "transfer-encoding" name -> note_transfer_encoding t value
  | _ -> ()

let is_blank char = char = ' ' || char = '\t'

let rec after_blanks data place stop =
  if place < stop && is_blank data.[place] then after_blanks data (place + 1) stop else place

let rec before_blanks data first place =
  if place > first && is_blank data.[place - 1] then before_blanks data first (place - 1) else place

let field t data stop =
  let place = t.line in
  let colon = Characters.skip Characters.token data place stop in
  if char t data stop colon <> ':' || colon = place then
    bad (if is_blank data.[place] then "a folded header field" else "a header field without a proper name");
  let value = after_blanks data (colon + 1) stop in
  let value_end = Characters.skip Characters.value data value stop in
  let next = end_of_line t data stop value_end in
  let name = String.sub data place (colon - place) in
  let value = String.sub data value (before_blanks data value value_end - value) in
  note t name value;
  t.headers <- (if t.fields = 0 then Header.init_with name value else Header.add t.headers name value);
  t.fields <- t.fields + 1;
  if t.fields > t.limits.fields then Refusal.raise_ `Request_header_fields_too_large "too many header fields";
  line_is_done t next

let rec header_fields t data stop =
  match char t data stop t.line with
  | '\r' | '\n' -> line_is_done t (end_of_line t data stop t.line)
  | _ ->
      field t data stop;
      header_fields t data stop

(* RFC 9112, sections 3.2 and 6.3 *)
let check t =
  if t.hosts > 1 || (t.hosts = 0 && not t.old) then bad "no host, or more than one";
  if t.chunked && (t.content_length >= 0 || t.old) then bad "a transfer-encoding that others would not see";
  if t.content_length > t.limits.body_bytes then Refusal.raise_ `Request_entity_too_large "the body is too long"

type outcome = Complete of int | Incomplete of int | Refused of Refusal.t

let head t data stop =
  if t.target = "" then begin
    skip_empty_lines t data stop;
    first_line t data stop
  end;
  header_fields t data stop;
  check t

let parse t data place =
  t.line <- place;
  match head t data (Int.min (String.length data) (place + t.left)) with
  | () -> Complete t.line
  | exception Short -> Incomplete t.line
  | exception Refusal.Refused refusal -> Refused refusal

(* A complete head *)

let framing t = if t.chunked then Chunked else if t.content_length > 0 then Length t.content_length else Nothing

let keep_alive t =
  match t.connection with Close -> false | Keep_alive -> true | Unsaid -> not t.old

let expects_continue t = t.expects_continue && not t.old

let request t =
  let encoding = if t.chunked then Transfer.Chunked else Transfer.Fixed (Int64.of_int (Int.max 0 t.content_length)) in
  {
    Request.headers = t.headers;
    meth = t.meth;
    scheme = None;
    resource = t.target;
    version = (if t.old then `HTTP_1_0 else `HTTP_1_1);
    encoding;
  }
