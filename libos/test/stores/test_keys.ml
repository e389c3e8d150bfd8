(* Mirage_kv's keys, and Kv_index. *)

module Key = Mirage_kv.Key

let key = Alcotest.testable Key.pp Key.equal
let check_key = Alcotest.check key
let check_text name expected key = Alcotest.(check string) name expected (Key.to_string key)

let texts () =
  check_text "split" "/a/b" (Key.v "a/b");
  check_text "empty ones go" "/a/b" (Key.v "//a///b/");
  check_text "the whole" "/" (Key.v "/");
  check_text "nothing" "/" Key.empty;
  Alcotest.(check string) "escapes" "/a\\nb" (Fmt.str "%a" Key.pp (Key.v "a\nb"))

let parts () =
  let k = Key.(v "a" / "b" // v "c/d") in
  check_text "appended" "/a/b/c/d" k;
  Alcotest.(check (list string)) "segments" [ "a"; "b"; "c"; "d" ] (Key.segments k);
  Alcotest.(check string) "basename" "d" (Key.basename k);
  check_key "parent" (Key.v "a/b/c") (Key.parent k);
  check_key "parent of the empty" Key.empty (Key.parent Key.empty);
  Alcotest.(check string) "basename of the empty" "" (Key.basename Key.empty);
  match Key.add k "e/f" with
  | _ -> Alcotest.fail "took a slash"
  | exception Invalid_argument _ -> ()

let paths () =
  let there k = check_key "and back" k (Kv_index.key (Kv_index.path k)) in
  List.iter there [ Key.empty; Key.v "a/b"; Key.(empty / ""); Key.(v "a" / "" / ""); Key.(v "a" / "\255\000") ];
  Alcotest.(check bool) "told apart" false (Kv_index.path Key.(empty / "") = Kv_index.path Key.empty);
  check_key "no path" Key.empty (Kv_index.key "no path")

let index texts = List.fold_left (fun index text -> Kv_index.set index (Key.v text) text) Kv_index.empty texts
let error = Alcotest.testable Mirage_kv.pp_write_error ( = )
let found = Alcotest.(result string error)
let kind = Alcotest.of_pp (fun ppf -> function `Value -> Fmt.string ppf "value" | `Dictionary -> Fmt.string ppf "dictionary")

let finds () =
  let t = index [ "a/b/c"; "a/bc"; "d" ] in
  let find text = Kv_index.find t (Key.v text) in
  let check name expected text = Alcotest.check found name expected (find text) in
  check "value" (Ok "a/b/c") "a/b/c";
  check "dictionary" (Error (`Value_expected (Key.v "a/b"))) "a/b";
  check "the whole" (Error (`Value_expected Key.empty)) "/";
  check "nothing" (Error (`Not_found (Key.v "a/c"))) "a/c";
  check "below a value" (Error (`Dictionary_expected (Key.v "d/e/f"))) "d/e/f";
  let exists = Alcotest.(check (result (option kind) error)) in
  exists "value" (Ok (Some `Value)) (Kv_index.exists t (Key.v "d"));
  exists "dictionary" (Ok (Some `Dictionary)) (Kv_index.exists t (Key.v "a/b"));
  exists "nothing" (Ok None) (Kv_index.exists t (Key.v "b"));
  exists "the whole" (Ok (Some `Dictionary)) (Kv_index.exists Kv_index.empty Key.empty)

let lists () =
  (* Characters before and behind the slash. *)
  let t = index [ "a-b"; "a/x/1"; "a/x/2"; "a/x-y"; "a/x0"; "a0"; "a/w" ] in
  let list = Alcotest.(check (result (list (pair key kind)) error)) in
  let all text = Ok (List.map (fun (name, kind) -> (Key.v name, kind)) text) in
  list "the whole" (all [ ("a", `Dictionary); ("a-b", `Value); ("a0", `Value) ]) (Kv_index.list t Key.empty);
  list "one inside"
    (all [ ("a/w", `Value); ("a/x", `Dictionary); ("a/x-y", `Value); ("a/x0", `Value) ])
    (Kv_index.list t (Key.v "a"));
  list "nothing" (Error (`Not_found (Key.v "b"))) (Kv_index.list t (Key.v "b"));
  list "value" (Error (`Dictionary_expected (Key.v "a0"))) (Kv_index.list t (Key.v "a0"));
  list "none" (Ok []) (Kv_index.list Kv_index.empty Key.empty);
  Alcotest.(check (list key)) "all below" [ Key.v "a/x/1"; Key.v "a/x/2" ]
    (List.map fst (List.of_seq (Kv_index.below t (Key.v "a/x"))))

let changes () =
  let t = index [ "a/b"; "a/c"; "ab" ] in
  let may name expected text = Alcotest.(check (result unit error)) name expected (Kv_index.may_set t (Key.v text)) in
  may "replace" (Ok ()) "a/b";
  may "new" (Ok ()) "x/y/z";
  may "dictionary" (Error (`Value_expected (Key.v "a"))) "a";
  may "the whole" (Error (`Value_expected Key.empty)) "";
  may "below a value" (Error (`Dictionary_expected (Key.v "ab/c"))) "ab/c";
  let left t = List.map (fun (key, _) -> Key.to_string key) (List.of_seq (Kv_index.below t Key.empty)) in
  Alcotest.(check (list string)) "a dictionary goes whole" [ "/ab" ] (left (Kv_index.remove t (Key.v "a")));
  Alcotest.(check (list string)) "all" [] (left (Kv_index.remove t Key.empty));
  Alcotest.(check (list string)) "nothing" (left t) (left (Kv_index.remove t (Key.v "b")))

let moves () =
  let t = index [ "a/b"; "a/c/d"; "e"; "f/a"; "g/b/x"; "h/a/y" ] in
  let move = Alcotest.(check (result (list (triple key key string)) error)) in
  let moved = List.map (fun (from, dest) -> (Key.v from, Key.v dest, from)) in
  let check name expected source dest =
    move name expected (Kv_index.move t ~source:(Key.v source) ~dest:(Key.v dest))
  in
  check "to a new key" (Ok (moved [ ("e", "x/y") ])) "e" "x/y";
  check "over a value" (Ok (moved [ ("e", "a/b") ])) "e" "a/b";
  check "into a dictionary" (Ok (moved [ ("e", "a/e") ])) "e" "a";
  check "into the whole" (Ok (moved [ ("a/b", "b") ])) "a/b" "/";
  check "to where it is" (Ok []) "e" "e";
  check "into where it is" (Ok []) "a/b" "a";
  check "below itself" (Ok (moved [ ("e", "e/f") ])) "e" "e/f";
  check "below a value" (Error (`Dictionary_expected (Key.v "f/a/b"))) "e" "f/a/b";
  check "a value into a dictionary, over another" (Error (`Value_expected (Key.v "g/b"))) "a/b" "g";
  check "a dictionary" (Ok (moved [ ("a/b", "x/b"); ("a/c/d", "x/c/d") ])) "a" "x";
  check "a dictionary into one" (Ok (moved [ ("a/c/d", "g/c/d") ])) "a/c" "g";
  check "a dictionary over a value" (Error (`Value_expected (Key.v "a"))) "a" "e";
  check "a dictionary into one that has a value there" (Error (`Value_expected (Key.v "a"))) "a" "f";
  check "a dictionary over another" (Error (`Already_present (Key.v "h/a"))) "a" "h";
  check "into where it is" (Ok []) "a/c" "a";
  check "into itself" (Error (`Rename_source_prefix (Key.v "a", Key.v "a/x"))) "a" "a/x";
  check "to itself" (Error (`Rename_source_prefix (Key.v "a", Key.v "a"))) "a" "a";
  check "beside itself" (Ok (moved [ ("a/b", "ab/b"); ("a/c/d", "ab/c/d") ])) "a" "ab";
  check "the whole" (Error (`Rename_source_prefix (Key.empty, Key.v "x"))) "/" "x";
  check "nothing" (Error (`Not_found (Key.v "x"))) "x" "y"

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "keys"
    [
      ("keys", [ case "texts" texts; case "parts" parts; case "paths" paths ]);
      ("index", [ case "find" finds; case "list" lists; case "change" changes; case "move" moves ]);
    ]
