type state =
  | Size  (* a chunk's first line comes next *)
  | Data of int  (* bytes of the chunk that are still to come *)
  | Data_end  (* the end of the line behind them *)
  | Trailer  (* header fields behind the body, which nobody asked for *)
  | End

type t = {
  limits : Limits.t;
  mutable state : state;
  mutable bytes : int;  (* of the body, as announced so far *)
  mutable overhead : int;  (* bytes of the trailer *)
}

type outcome = Piece of int * int | Incomplete of int | Finished of int | Refused of Refusal.t

let create limits = { limits; state = Size; bytes = 0; overhead = 0 }

exception Short

let longest_line = 256
let bad = Refusal.bad

let char data place = if place < String.length data then data.[place] else raise_notrace Short

let end_of_line data place =
  match char data place with
  | '\n' -> place + 1
  | '\r' when char data (place + 1) = '\n' -> place + 2
  | _ -> bad "a chunk that does not end where it should"

let hex_digit = function
  | '0' .. '9' as c -> Char.code c - Char.code '0'
  | 'a' .. 'f' as c -> Char.code c - Char.code 'a' + 10
  | 'A' .. 'F' as c -> Char.code c - Char.code 'A' + 10
  | _ -> -1

(* What the line has behind the size is an extension, which means nothing to us. *)
let size t data place =
  let too_long = place + longest_line in
  let check place = if place >= too_long then bad "a chunk's first line is too long" in
  let rec digits value place =
    check place;
    match hex_digit (char data place) with
    | -1 -> (value, place)
    | digit ->
        let value = (value * 16) + digit in
        if value > t.limits.body_bytes - t.bytes then Refusal.raise_ `Request_entity_too_large "the body is too long";
        digits value (place + 1)
  in
  let size, behind = digits 0 place in
  if behind = place then bad "a chunk without a size";
  let extension_end =
    match data.[behind] with
    | ';' | ' ' | '\t' -> Characters.skip Characters.value data behind (Int.min (String.length data) too_long)
    | _ -> behind
  in
  check extension_end;
  (size, end_of_line data extension_end)

(* A line of the trailer. *)
let trailer_line t data place =
  let left = t.limits.head_bytes - t.overhead in
  let line_end = Characters.skip Characters.value data place (Int.min (String.length data) (place + left)) in
  if line_end - place >= left then Refusal.raise_ `Request_header_fields_too_large "the trailer is too long";
  let next = end_of_line data line_end in
  t.overhead <- t.overhead + (next - place);
  (line_end = place, next)

let rec decode_state t data place =
  match t.state with
  | Size ->
      let size, next = size t data place in
      t.bytes <- t.bytes + size;
      t.state <- (if size = 0 then Trailer else Data size);
      step t data next
  | Data left ->
      let available = String.length data - place in
      if available = 0 then Incomplete place
      else begin
        let length = Int.min left available in
        t.state <- (if length = left then Data_end else Data (left - length));
        Piece (place, length)
      end
  | Data_end ->
      let next = end_of_line data place in
      t.state <- Size;
      step t data next
  | Trailer ->
      let last, next = trailer_line t data place in
      if last then t.state <- End;
      step t data next
  | End -> Finished place

and step t data place = try decode_state t data place with Short -> Incomplete place

let decode t data place = try step t data place with Refusal.Refused refusal -> Refused refusal
