open Lwt.Infix
open Cmdliner

let port =
  let doc = Arg.info ~doc:"The TCP port to listen on." [ "port" ] in
  Mirage_runtime.register_arg Arg.(value & opt int 80 doc)

module Main (Files : Mirage_kv.RO) (Server : Cohttp_mirage.Server.S) = struct
  module Header = Cohttp.Header

  (* Static pages *)

  (* A file, and the header fields it is sent with. The tag names this version of the file: a
     browser that has it already is told so, and gets no body. *)
  type page = { body : string; tag : string; headers : Header.t }

  let page name body =
    let tag = Printf.sprintf "%S" (Digest.to_hex (Digest.string body)) in
    let headers = Header.of_list [ ("content-type", Magic_mime.lookup name); ("etag", tag) ] in
    { body; tag; headers }

  let must = function
    | Ok value -> value
    | Error error -> failwith (Fmt.str "%a" Files.pp_error error)

  (* All pages, by their paths: what is known of a page is found out once. *)
  let rec load files pages folder =
    let add (key, kind) =
      match kind with
      | `Dictionary -> load files pages key
      | `Value ->
          Files.get files key >|= fun file ->
          let path = Mirage_kv.Key.to_string key in
          Hashtbl.replace pages path (page path (must file))
    in
    Files.list files folder >>= fun entries -> Lwt_list.iter_s add (must entries)

  let send request { body; tag; headers } =
    if Header.get (Cohttp.Request.headers request) "if-none-match" = Some tag then
      Server.respond ~headers ~status:`Not_modified ~body:`Empty ()
    else Server.respond_string ~headers ~status:`OK ~body ()

  let not_found pages =
    match Hashtbl.find_opt pages "/404.html" with
    | Some { body; headers; _ } -> Server.respond_string ~headers ~status:`Not_found ~body ()
    | None -> Server.respond_not_found ()

  (* A dynamic page. What comes from the browser is text, and must not become HTML. *)

  let escaped text =
    let escape = function
      | '<' -> "&lt;"
      | '>' -> "&gt;"
      | '&' -> "&amp;"
      | char -> String.make 1 char
    in
    String.concat "" (List.map escape (List.of_seq (String.to_seq text)))

  let html = Header.init_with "content-type" "text/html; charset=utf-8"

  let hello uri =
    let name = Option.value (Uri.get_query_param uri "name") ~default:"world" in
    let body =
      Printf.sprintf
        {|<!DOCTYPE html><title>Hello</title><link rel="stylesheet" href="style.css">
<main><h1>Hello, %s!</h1><p>This page was made just now. <a href="./">Back</a></main>|}
        (escaped name)
    in
    Server.respond_string ~headers:html ~status:`OK ~body ()

  (* The state of the unikernel, for programs: the page asks for it every second. *)

  let requests = ref 0
  let json = Header.of_list [ ("content-type", "application/json"); ("cache-control", "no-store") ]

  let status () =
    let { Gc.heap_words; minor_collections; major_collections; _ } = Gc.quick_stat () in
    let body =
      Printf.sprintf {|{"uptime": %.3f, "requests": %d, "heap": %d, "collections": [%d, %d]}|}
        (Duration.to_f (Mirage_mtime.elapsed_ns ()))
        !requests
        (heap_words * Sys.word_size / 8)
        minor_collections major_collections
    in
    Server.respond_string ~headers:json ~status:`OK ~body ()

  (* Which page for which request *)

  let only_read = Header.init_with "allow" "GET, HEAD"

  let answer pages request =
    incr requests;
    let page path = Hashtbl.find_opt pages path in
    match (Cohttp.Request.meth request, page (Cohttp.Request.resource request)) with
    | (`GET | `HEAD), Some page -> send request page
    | (`GET | `HEAD), None -> (
        (* What was asked for may be more than a path: /hello?name=Ada *)
        let uri = Cohttp.Request.uri request in
        match Uri.path uri with
        | "/hello" -> hello uri
        | "/status.json" -> status ()
        | path -> (
            match page path with
            | Some page -> send request page
            | None -> not_found pages))
    | _ -> Server.respond ~headers:only_read ~status:`Method_not_allowed ~body:`Empty ()

  let start files listen =
    let pages = Hashtbl.create 16 in
    load files pages Mirage_kv.Key.empty >>= fun () ->
    Option.iter (Hashtbl.replace pages "/") (Hashtbl.find_opt pages "/index.html");
    let callback _connection request _body = answer pages request in
    Logs.info (fun log -> log "serving %d pages on port %d" (Hashtbl.length pages) (port ()));
    listen (`TCP (port ())) (Server.make ~callback ())
end
