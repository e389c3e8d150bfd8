let conditions = ref []

let condition source =
  match List.assoc_opt source !conditions with
  | Some condition -> condition
  | None ->
      let condition = Lwt_condition.create () in
      conditions := (source, condition) :: !conditions;
      condition

let wait source = Lwt_condition.wait (condition source)

let signal sources =
  let tell (source, condition) = if sources land source <> 0 then Lwt_condition.broadcast condition () in
  if sources <> 0 then List.iter tell !conditions
