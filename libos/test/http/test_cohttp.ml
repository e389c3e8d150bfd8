(* Cohttp 6's interfaces over the library's. *)

module New = Unikernel_cohttp.Cohttp

let request ?(meth = `GET) ?host resource =
  let headers = match host with Some host -> Cohttp.Header.init_with "Host" host | None -> Cohttp.Header.init () in
  { Cohttp.Request.headers; meth; scheme = None; resource; version = `HTTP_1_1; encoding = Fixed 0L }

(* Targets and hosts, most of them made of what is special in one. *)
let text_of alphabet sizes = QCheck.Gen.(string_size ~gen:(oneofl alphabet) sizes)

let target =
  let alphabet = [ 'a'; 'B'; '7'; '/'; '/'; '.'; '-'; '_'; '~'; '?'; '='; '&'; '+'; '%'; '2'; 'f'; ':'; '@'; '#'; ','; '\xc3' ] in
  QCheck.Gen.(map (( ^ ) "/") (text_of alphabet (int_range 0 12)))

let host =
  let open QCheck.Gen in
  opt
    (oneof
       [
         oneofl [ "a"; "127.0.0.1:8080"; "A.b:80"; "[::1]:80"; "a:"; ":80"; "a:99999"; "a:999999"; "a:b"; "u@a"; "a:80:90"; "" ];
         text_of [ 'a'; 'B'; '.'; ':'; '8'; '-'; '['; '%' ] (int_range 0 6);
       ])

let print (resource, host) = Printf.sprintf "%S at %S" resource (Option.value host ~default:"none")

let same_uri (resource, host) =
  let request = request ?host resource in
  let expected = Cohttp.Request.uri request and uri = New.Request.uri request in
  let parts uri = Uri.(scheme uri, userinfo uri, host uri, port uri, path uri, query uri, fragment uri) in
  parts uri = parts expected && Uri.to_string uri = Uri.to_string expected && Uri.compare uri expected = 0

let uris () =
  let check expected request = Alcotest.(check string) expected expected (Uri.to_string (New.Request.uri request)) in
  check "//a:80/b/c.html?d=e" (request ~host:"a:80" "/b/c.html?d=e");
  check "http://b/c" (request ~host:"a" "http://b/c");
  check "//a:443" (request ~meth:`CONNECT "a:443");
  check "//a" (request ~meth:`OPTIONS ~host:"a" "*")

let headers () =
  let headers = New.Header.of_list [ ("Accept", "a"); ("X", "1"); ("accept", "b"); ("Accept", "c"); ("x", "2") ] in
  Alcotest.(check (option string)) "the last" (Some "c") (New.Header.get headers "ACCEPT");
  Alcotest.(check (option string)) "none" None (New.Header.get headers "y");
  Alcotest.(check (list string)) "in order" [ "a"; "b"; "c" ] (New.Header.get_multi headers "accept");
  Alcotest.(check (option string)) "joined" (Some "a,b,c") (New.Header.get_multi_concat headers "accept");
  let one name = New.Header.get_multi_concat ~list_value_only:true headers name in
  Alcotest.(check (option string)) "a list" (Some "a,b,c") (one "accept");
  Alcotest.(check (option string)) "no list" (Some "2") (one "x");
  let all = ref [] in
  New.Header.iter (fun name value -> all := (name, value) :: !all) headers;
  Alcotest.(check int) "each value by itself" 5 (List.length !all);
  let values headers = New.Header.get_multi headers "x" in
  Alcotest.(check (list string)) "updated" [ "1"; "3" ] (values (New.Header.update headers "x" (fun _ -> Some "3")));
  Alcotest.(check (list string)) "one taken away" [ "1" ] (values (New.Header.update headers "x" (fun _ -> None)));
  Alcotest.(check (list string)) "all updated" [ "4"; "5" ] (values (New.Header.update_all headers "x" (fun _ -> [ "4"; "5" ])));
  Alcotest.(check (list string)) "mapped" [ "x1"; "x2" ] (values (New.Header.map (fun name value -> name ^ value) headers))

let paths () =
  let check expected uri = Alcotest.(check string) uri expected (New.Path.normalise (Uri.of_string uri)) in
  check "a/b" "/a/b";
  check "a b" "/a%20b//";
  check "b" "/a/../b";
  check "etc" "/../../etc";
  check "etc" "/..%2f..%2fetc";
  check "%2e" "/%252e";
  check "" "/";
  let local = New.Path.resolve_local_file ~docroot:"/srv" ~uri:(Uri.of_string "http://a/x%2f../../y") in
  Alcotest.(check string) "below its root" "/srv/y" local

let names () =
  Alcotest.(check string) "status" "404 Not Found" (Http.Status.to_string `Not_found);
  Alcotest.(check bool) "number" true (Http.Status.of_int 204 = `No_content);
  Alcotest.(check bool) "has no body" false (Http.Status.body_allowed (`Code 304));
  Alcotest.(check string) "method" "PUT" (Http.Method.to_string `PUT);
  Alcotest.(check (option string)) "same headers" (Some "b") Http.(Header.get (Cohttp.Header.init_with "a" "b") "a")

let () =
  Alcotest.run "cohttp"
    [
      ( "cohttp",
        [
          Alcotest.test_case "URIs" `Quick uris;
          Chance.property "URIs as the library has them" 50_000
            (QCheck.make ~print QCheck.Gen.(pair target host))
            same_uri;
          Alcotest.test_case "headers" `Quick headers;
          Alcotest.test_case "paths" `Quick paths;
          Alcotest.test_case "names" `Quick names;
        ] );
    ]
