type kind = A | Aaaa
type data = Address of Ipaddr.t | Alias of [ `raw ] Domain_name.t
type record = { name : [ `raw ] Domain_name.t; ttl_s : int; data : data }
type reply = { truncated : bool; code : int; answers : record list }

let number = function A -> 1 | Aaaa -> 28
let internet = 1
let alias = 5

(* Queries *)

let recursion_desired = 0x0100
let options = 41

(* What a reply may have over UDP without being cut to fragments on its way: RFC 9715. *)
let largest_reply = 1232

let add_name buffer name =
  let add_label label =
    Buffer.add_uint8 buffer (String.length label);
    Buffer.add_string buffer label
  in
  List.iter add_label (Domain_name.to_strings name);
  Buffer.add_uint8 buffer 0

let query ~id kind name =
  let buffer = Buffer.create 64 in
  let add = Buffer.add_uint16_be buffer in
  List.iter add [ id; recursion_desired; 1; 0; 0; 1 ];
  add_name buffer name;
  List.iter add [ number kind; internet ];
  (* The option record: an empty name, its kind, the size, then flags and options, of which there are none. *)
  Buffer.add_uint8 buffer 0;
  List.iter add [ options; largest_reply; 0; 0; 0 ];
  Buffer.contents buffer

(* Replies *)

exception Malformed

let malformed () = raise_notrace Malformed
let byte text place = if place < String.length text then Char.code text.[place] else malformed ()
let word text place = if place + 2 <= String.length text then String.get_uint16_be text place else malformed ()
let sub text place length = if place + length <= String.length text then String.sub text place length else malformed ()
let header_bytes = 12

let most_labels = 128

(* The name at a place, and the place behind it. Pointers lead ever further back, and there are not many labels: there is
   an end to it, soon. *)
let name text place =
  let rec labels place ~before ~left =
    if left = 0 then malformed ();
    match byte text place with
    | 0 -> ([], place + 1)
    | length when length < 64 ->
        let rest, behind = labels (place + 1 + length) ~before ~left:(left - 1) in
        (sub text (place + 1) length :: rest, behind)
    | length when length >= 192 ->
        let target = word text place land 0x3fff in
        if target >= before then malformed ();
        (fst (labels target ~before:target ~left:(left - 1)), place + 2)
    | _ -> malformed ()
  in
  let labels, behind = labels place ~before:place ~left:most_labels in
  match Domain_name.of_strings labels with Ok name -> (name, behind) | Error _ -> malformed ()

let largest_ttl_s = 86_400

(* A record, unless it is of another kind, and the place behind it. *)
let record kind text place =
  let name_of = name in
  let name, place = name text place in
  let found = word text place and class_ = word text (place + 2) and length = word text (place + 8) in
  let data = place + 10 in
  let behind = data + length in
  if behind > String.length text then malformed ();
  let ttl_s =
    (* Bit 31 is to be taken for 0 (RFC 2181, section 8). *)
    Int.min largest_ttl_s (((word text (place + 4) land 0x7fff) lsl 16) lor word text (place + 6))
  in
  let address =
    match kind with
    | A when length = 4 -> Result.map (fun address -> Ipaddr.V4 address) (Ipaddr.V4.of_octets (sub text data 4))
    | Aaaa when length = 16 -> Result.map (fun address -> Ipaddr.V6 address) (Ipaddr.V6.of_octets (sub text data 16))
    | A | Aaaa -> Error (`Msg "length")
  in
  let data =
    if class_ <> internet then None
    else if found = alias then Some (Alias (fst (name_of text data)))
    else if found = number kind then
      match address with Ok address -> Some (Address address) | Error _ -> malformed ()
    else None
  in
  (Option.map (fun data -> { name; ttl_s; data }) data, behind)

let rec records kind text place count =
  if count = 0 then []
  else
    let record, behind = record kind text place in
    Option.to_list record @ records kind text behind (count - 1)

let is_reply = 0x8000
let is_truncated = 0x0200

(* The question comes back with the reply: one that was guessed is unlikely to have it right. *)
let reply ~id kind asked text =
  let flags = word text 2 in
  if word text 0 <> id || flags land is_reply = 0 || word text 4 <> 1 then malformed ();
  let question, place = name text header_bytes in
  if not (Domain_name.equal question asked && word text place = number kind && word text (place + 2) = internet) then
    malformed ();
  let truncated = flags land is_truncated <> 0 in
  let answers = if truncated then [] else records kind text (place + 4) (word text 6) in
  { truncated; code = flags land 0xf; answers }

let decode ~id kind name text =
  match reply ~id kind name text with reply -> Some reply | exception Malformed -> None

let follow name records =
  let has name record = Domain_name.equal name record.name in
  let rec from name ttl_s aliases =
    let own = List.filter (has name) records in
    let address { ttl_s = own_ttl_s; data; _ } =
      match data with Address address -> Some (address, Int.min ttl_s own_ttl_s) | Alias _ -> None
    in
    let next { ttl_s; data; _ } = match data with Alias name -> Some (name, ttl_s) | Address _ -> None in
    match (List.filter_map address own, List.find_map next own) with
    | [], Some (target, own_ttl_s) when aliases > 0 -> from target (Int.min ttl_s own_ttl_s) (aliases - 1)
    | addresses, _ -> (name, addresses)
  in
  from name largest_ttl_s (List.length records)
