include Cohttp.Header

(* The library has the last value first, except for this field. *)
let is_in_order name = String.length name = 17 && String.lowercase_ascii name = "transfer-encoding"

(* To look first whether it is there is faster than to have the library find out by an exception. *)
let values headers name = if mem headers name then Cohttp.Header.get_multi headers name else []
let get_multi headers name = if is_in_order name then values headers name else List.rev (values headers name)
let rec last = function [] -> None | [ value ] -> Some value | _ :: values -> last values

let get headers name =
  match values headers name with
  | [] -> None
  | value :: _ as values -> if is_in_order name then last values else Some value

let get_multi_concat ?(list_value_only = false) headers name =
  match get_multi headers name with
  | [] -> None
  | values ->
      (* The library joins the values of those fields that may have several. *)
      let may_have_several () =
        match Cohttp.Header.(get (add_multi (init ()) name [ "1"; "2" ]) name) with
        | Some joined -> String.contains joined ','
        | None -> false
      in
      if list_value_only && not (may_have_several ()) then last values else Some (String.concat "," values)

let iter f headers = fold (fun name value () -> f name value) headers ()
let map f headers = Cohttp.Header.map (fun name values -> List.map (f name) values) headers
let update_all headers name f = add_multi (remove headers name) name (f (get_multi headers name))

let update headers name f =
  let before = List.rev (get_multi headers name) in
  let last, others = match before with [] -> (None, []) | last :: others -> (Some last, others) in
  match f last with
  | None -> update_all headers name (fun _ -> List.rev others)
  | Some value -> update_all headers name (fun _ -> List.rev (value :: others))
