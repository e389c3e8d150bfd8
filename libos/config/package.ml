type t = { name : string; libraries : string list }
type scope = [ `Switch | `Monorepo ]

let v ?scope:_ ?(build = false) ?sublibs ?libs ?min:_ ?max:_ ?pin:_ ?pin_version:_ name =
  let sublibrary = function "" -> name | sublibrary -> name ^ "." ^ sublibrary in
  let libraries =
    match (sublibs, libs) with
    | Some _, Some _ -> invalid_arg "package: give either sublibs or libs"
    | _ when build -> []
    | None, None -> [ name ]
    | Some sublibs, None -> List.map sublibrary sublibs
    | None, Some libs -> libs
  in
  { name; libraries }

let name package = package.name
let libraries package = package.libraries

let installed =
  let initialised = lazy (Findlib.init ()) in
  fun library ->
    Lazy.force initialised;
    match Findlib.package_directory library with
    | (_ : string) -> true
    | exception Findlib.No_such_package _ -> false

(* The number of characters to insert, delete or replace to make [b] of [a]. *)
let distance a b =
  let previous = Array.init (String.length b + 1) Fun.id in
  let row i a_char =
    let diagonal = ref previous.(0) in
    previous.(0) <- i + 1;
    let cell j b_char =
      let replace = !diagonal + if a_char = b_char then 0 else 1 in
      diagonal := previous.(j + 1);
      previous.(j + 1) <- min replace (1 + min previous.(j) previous.(j + 1))
    in
    String.iteri cell b
  in
  String.iteri row a;
  previous.(String.length b)

let installed_names () =
  let in_folder folder =
    let has_meta name = Sys.file_exists (Filename.concat (Filename.concat folder name) "META") in
    match Sys.readdir folder with
    | names -> List.filter has_meta (Array.to_list names)
    | exception Sys_error _ -> []
  in
  List.concat_map in_folder (Findlib.search_path ())

let closest library =
  let nearer best candidate =
    let d = distance library candidate in
    match best with Some (_, least) when least <= d -> best | _ when d <= 2 -> Some (candidate, d) | _ -> best
  in
  List.fold_left nearer None (installed_names ())

let check package =
  let check_library library =
    if not (installed library) then
      let hint =
        match closest library with
        | Some (other, _) ->
            Printf.sprintf "Did you mean %s? If not, use upstream's toolchain: %s" other Refusal.opam_command
        | None -> Refusal.opam_hint
      in
      Refusal.refuse ~subject:(Package package.name) ~hint "The package %s is not in the offline toolchain." library
  in
  List.iter check_library package.libraries
