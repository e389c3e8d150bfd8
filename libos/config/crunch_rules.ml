let package = "unikernel-crunch"
let hint = "Give a folder beside config.ml, such as crunch \"files\"."

(* What can be written into a dune file, and into a comment, as it is. *)
let check_name name =
  let allowed = function
    | 'a' .. 'z' | 'A' .. 'Z' | '0' .. '9' | '_' | '-' | '.' | '/' | ' ' | '\128' .. '\255' -> true
    | _ -> false
  in
  if not (String.for_all allowed name) then
    Refusal.refuse ~hint:"Take letters, digits, and _ - or ." "The name of the folder %S is not one that dune can take."
      name

let segments given =
  check_name given;
  let segments = List.filter (fun name -> name <> "" && name <> ".") (String.split_on_char '/' given) in
  if segments = [] || (not (Filename.is_relative given)) || List.mem ".." segments then
    Refusal.refuse ~hint "The folder %S is not inside that of config.ml, so it is no part of the image's sources." given;
  segments

let folders_in ~folder path =
  let inside name = path ^ "/" ^ name in
  let names = List.sort String.compare (Array.to_list (Sys.readdir (Filename.concat folder path))) in
  List.filter (fun path -> Sys.is_directory (Filename.concat folder path)) (List.map inside names)

let check_there ~folder path =
  match Sys.is_directory (Filename.concat folder path) with
  | true -> ()
  | false -> Refusal.refuse ~hint "%s is a file, and crunch takes a folder." path
  | exception Sys_error _ -> Refusal.refuse ~hint "There is no folder %s, whose files are to be part of the image." path

let rule (module_name, path) =
  let name = String.uncapitalize_ascii module_name in
  Printf.sprintf
    {|
; The files of %s

(rule
 (targets %s.ml %s.mli)
 (deps
  (source_tree "%s"))
 (action
  (run %%{libexec:%s:crunch.exe} %s "%s")))
|}
    path name name path package name path

(* dune passes over folders whose names begin with _, but for those that it is told of: in a folder of data, all. *)
let rec passed_over ~folder path =
  let inside = folders_in ~folder path in
  let deeper = List.concat_map (passed_over ~folder) inside in
  if List.exists (fun path -> (Filename.basename path).[0] = '_') inside then path :: deeper else deeper

let subdir path names = Printf.sprintf "\n(subdir \"%s\"\n (data_only_dirs%s))\n" path names

(* What is in the folders is not for dune: it may only say of each place once which those are. *)
let data_only ~folder paths =
  let quoted path = Printf.sprintf " \"%s\"" (Filename.basename path) in
  let in_place place =
    let here = List.filter (fun path -> Filename.dirname path = place) paths in
    subdir place (String.concat "" (List.map quoted here))
  in
  let all = List.sort_uniq String.compare (List.concat_map (passed_over ~folder) paths) in
  let places = List.sort_uniq String.compare (List.map Filename.dirname paths) in
  let places = List.filter (fun place -> not (List.mem place all)) places in
  List.iter check_name all;
  List.map in_place places @ List.map (fun path -> subdir path " *") all

let head = "\n; What is in these folders is not for dune to read\n"

let text ~folder = function
  | [] -> ""
  | modules ->
      let modules = List.map (fun (module_name, given) -> (module_name, String.concat "/" (segments given))) modules in
      let paths = List.sort_uniq String.compare (List.map snd modules) in
      List.iter (check_there ~folder) paths;
      String.concat "" (List.map rule modules @ (head :: data_only ~folder paths))
