include Cohttp.Header

(* The library has the last value first, except for this field. *)
let in_order name values = if String.lowercase_ascii name = "transfer-encoding" then values else List.rev values
let get_multi headers name = in_order name (Cohttp.Header.get_multi headers name)
let last values = match List.rev values with [] -> None | value :: _ -> Some value
let get headers name = last (get_multi headers name)

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
