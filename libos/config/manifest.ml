let file = "manifest.json"
let format = 1
let toolchain_version = "1"

let json (info : Impl.Info.t) graph =
  let open Json in
  let device (name, kind) = Object [ ("name", String name); ("kind", String kind) ] in
  let packages = List.sort_uniq Stdlib.compare ("lwt" :: List.map Package.name (Graph.packages graph)) in
  Object
    [
      ("format", Int format);
      ("name", String info.name);
      ("target", String (Key.target_name info.target));
      ( "toolchain",
        Object
          [
            ("name", String "offline"); ("version", String toolchain_version); ("ocaml", String Sys.ocaml_version);
          ] );
      ("devices", List (Stdlib.List.map device (Graph.hardware graph)));
      ("packages", List (Stdlib.List.map (fun name -> String name) packages));
      (* Arguments are values of the unikernel's modules: they are known when it runs. *)
      ("arguments", List []);
    ]
