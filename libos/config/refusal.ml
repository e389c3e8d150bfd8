type subject = Package of string | Feature of string
type t = { error : string; hint : string; subject : subject option }

exception Refused of t

let refuse ?subject ~hint format = Printf.ksprintf (fun error -> raise (Refused { error; hint; subject })) format
let opam_command = "labkit build --toolchain opam"
let opam_hint = "Build it with upstream's MirageOS instead: " ^ opam_command

let unsupported ~what feature =
  refuse ~subject:(Feature feature) ~hint:opam_hint "The %s %s is not in the offline toolchain." what feature

let to_json { error; hint; subject } =
  let subject =
    match subject with
    | Some (Package name) -> [ ("package", Json.String name) ]
    | Some (Feature name) -> [ ("feature", Json.String name) ]
    | None -> []
  in
  Json.Object ([ ("error", Json.String error); ("hint", Json.String hint) ] @ subject)
