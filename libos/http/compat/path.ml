let normalise uri =
  let enter folders = function
    | "" | "." -> folders
    | ".." -> ( match folders with [] -> [] | _ :: above -> above)
    | name -> name :: folders
  in
  let segments = String.split_on_char '/' (Uri.pct_decode (Uri.path uri)) in
  String.concat "/" (List.rev (List.fold_left enter [] segments))

let resolve_local_file ~docroot ~uri = Filename.concat docroot (normalise uri)
