(* The server, over flows in memory and with a clock of the test's. *)

open Cohttp
open Http_engine
module Session = Session.Make (Memory_flow)

(* The clock *)

let sleepers = ref []

let sleep (_ : int64) =
  let promise, resolver = Lwt.wait () in
  sleepers := resolver :: !sleepers;
  promise

let rec seconds n =
  if n > 0 then begin
    let due = !sleepers in
    sleepers := [];
    List.iter (fun resolver -> Lwt.wakeup resolver ()) due;
    seconds (n - 1)
  end

(* The application *)

let respond ?(headers = []) ?(status = `OK) ?(encoding = Transfer.Unknown) body =
  Lwt.return (`Response ({ Response.status; headers = Header.of_list headers; encoding; version = `HTTP_1_1; flush = true }, body))

let gate, open_gate = Lwt.wait ()

let application conn (request : Request.t) body =
  ignore conn;
  match request.resource with
  | "/hello" -> respond (`String "hello")
  | "/strings" -> respond (`Strings [ "a"; "b" ])
  | "/large" -> respond (`String (String.make 200_000 'x'))
  | "/echo" -> Lwt.bind (Cohttp_lwt.Body.to_string body) (fun text -> respond (`String text))
  | "/stream" -> respond (`Stream (Lwt_stream.of_list [ "one"; ""; "two" ]))
  | "/sized" -> respond ~encoding:(Fixed 6L) (`Stream (Lwt_stream.of_list [ "one"; "two" ]))
  | "/short" -> respond ~encoding:(Fixed 9L) (`Stream (Lwt_stream.of_list [ "one"; "two" ]))
  | "/long" -> respond ~encoding:(Fixed 4L) (`Stream (Lwt_stream.of_list [ "one"; "two"; "three" ]))
  | "/slow" -> respond (`Stream (Lwt_stream.from (fun () -> if Lwt.is_sleeping gate then Lwt.map Option.some gate else Lwt.return_none)))
  | "/fails" -> respond (`Stream (Lwt_stream.from (fun () -> failwith "no more")))
  | "/close" -> respond ~headers:[ ("Connection", "close") ] (`String "bye")
  | "/nothing" -> respond ~status:`No_content (`String "not to be sent")
  | "/unchanged" -> respond ~status:`Not_modified ~headers:[ ("ETag", "1"); ("Content-Length", "7") ] `Empty
  | "/inject" -> respond ~headers:[ ("X", "a\r\nSet-Cookie: b") ] (`String "")
  | "/lies" -> respond ~headers:[ ("Content-Length", "1"); ("Transfer-Encoding", "chunked") ] (`String "four")
  | "/raises" -> failwith "a bug"
  | "/rejects" -> Lwt.fail_with "a bug"
  | "/expert" ->
      let response = { Response.status = `OK; headers = Header.init (); encoding = Fixed 3L; version = `HTTP_1_1; flush = true } in
      let module Channel = Channel.Make (Memory_flow) in
      let copy ic oc =
        let open Lwt.Infix in
        Channel.refill ic >>= fun _ -> Channel.write_string oc (Channel.take ic 3) >|= ignore
      in
      Lwt.return (`Expert (response, copy))
  | _ -> respond ~status:`Not_found (`String "")

(* Connections *)

let ended = ref 0

let connect ?(limits = Limits.default) ?(deadlines = Deadlines.create ~sleep) () =
  let flow = Memory_flow.create () in
  let conn_closed _ = incr ended in
  let promise = Session.serve limits deadlines { callback = application; conn_closed } flow in
  (flow, promise)

let sent ?limits texts =
  let flow, _ = connect ?limits () in
  List.iter (Memory_flow.send flow) texts;
  (Memory_flow.received flow, flow)

let get ?(version = "1.1") ?(fields = "") target = Printf.sprintf "GET %s HTTP/%s\r\nHost: a\r\n%s\r\n" target version fields

let check_answer ?limits name expected ?(closed = false) text =
  let answer, flow = sent ?limits [ text ] in
  Alcotest.(check string) name expected answer;
  if closed then Memory_flow.finish flow;
  Alcotest.(check bool) (name ^ ": closed") closed (Memory_flow.is_closed flow);
  Alcotest.(check bool) (name ^ ": read on") (not closed) (Memory_flow.is_read flow)

let hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"

let answers () =
  check_answer "string" hello (get "/hello");
  check_answer "strings" "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab" (get "/strings");
  check_answer "HEAD" "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n" "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n";
  check_answer "HEAD of a stream" "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n";
  check_answer "no content" "HTTP/1.1 204 No Content\r\n\r\n" (get "/nothing");
  check_answer "not modified" "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\netag: 1\r\n\r\n" (get "/unchanged");
  check_answer "line ends in a field" "HTTP/1.1 200 OK\r\nx: a  Set-Cookie: b\r\ncontent-length: 0\r\n\r\n" (get "/inject");
  check_answer "a wrong length" "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfour" (get "/lies");
  let answer, flow = sent [ get "/expert" ] in
  Alcotest.(check string) "expert's head" "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n" answer;
  seconds 100;
  Memory_flow.send flow ("raw" ^ get "/hello");
  Alcotest.(check string) "expert's body" ("raw" ^ hello) (Memory_flow.received flow)

let streams () =
  check_answer "chunks" "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" (get "/stream");
  check_answer "of known length" "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nonetwo" (get "/sized");
  check_answer "too long" "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nonet" (get "/long");
  let answer, flow = sent [ get "/short" ] in
  Alcotest.(check string) "too short" "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nonetwo" answer;
  Alcotest.(check bool) "closed" true (Memory_flow.is_closed flow);
  let answer, flow = sent [ get ~version:"1.0" "/stream" ] in
  Alcotest.(check string) "for an old client" "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwo" answer;
  Alcotest.(check bool) "closed" true (Memory_flow.is_closed flow);
  let _, flow = sent [ get "/fails" ] in
  Alcotest.(check bool) "that fails" true (Memory_flow.is_closed flow);
  let answer, flow = sent [ get "/slow" ] in
  Alcotest.(check string) "the head first" "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" answer;
  seconds 100;
  Alcotest.(check bool) "takes its time" false (Memory_flow.is_closed flow);
  Lwt.wakeup open_gate "late";
  Alcotest.(check string) "then the rest" "4\r\nlate\r\n0\r\n\r\n" (Memory_flow.received flow)

let one_write () =
  let count name expected text =
    let _, flow = sent [ text ] in
    Alcotest.(check int) name expected (Memory_flow.writes flow)
  in
  count "a small body" 1 (get "/hello");
  count "a short stream" 1 (get "/stream");
  count "nothing" 1 (get "/nothing");
  count "a large body" 4 (get "/large");
  let answer, _ = sent [ get "/large" ] in
  let head = "HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n" in
  Alcotest.(check bool) "all of it" true (answer = head ^ String.make 200_000 'x')

let keeping_alive () =
  check_answer ~closed:true "the client says so" "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"
    (get ~fields:"Connection: close\r\n" "/hello");
  check_answer ~closed:true "the application says so"
    "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbye" (get "/close");
  check_answer ~closed:true "an old client" "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"
    (get ~version:"1.0" "/hello");
  check_answer "an old client that can" "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\nhello"
    (get ~version:"1.0" ~fields:"Connection: keep-alive\r\n" "/hello");
  check_answer "pipelined" (hello ^ hello ^ hello) (get "/hello" ^ get "/hello" ^ get "/hello")

let post ?(fields = "") target body =
  Printf.sprintf "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%s\r\n%s" target (String.length body) fields body

let bodies () =
  let ok text = Printf.sprintf "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" (String.length text) text in
  check_answer "at once" (ok "abc") (post "/echo" "abc");
  check_answer "then the next" (ok "abc" ^ hello) (post "/echo" "abc" ^ get "/hello");
  check_answer "unread" (hello ^ hello) (post "/hello" "abc" ^ get "/hello");
  check_answer ~closed:true "unread, and too long to be" "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"
    "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nxxx";
  let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" in
  check_answer "chunked" (ok "abcde" ^ hello) (chunked ^ get "/hello");
  let answer, flow = sent [ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab" ] in
  Alcotest.(check string) "not before it is there" "" answer;
  Memory_flow.send flow "cde";
  Alcotest.(check string) "in two pieces" (ok "abcde") (Memory_flow.received flow)

let bad_bodies () =
  let status name expected text ~ends =
    let flow, _ = connect () in
    Memory_flow.send flow text;
    if ends then Memory_flow.finish flow;
    let answer = Memory_flow.received flow in
    Alcotest.(check string) name expected (String.sub answer 9 3)
  in
  let chunked body = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" ^ body in
  status "no chunk" "400" (chunked "x\r\n") ~ends:false;
  status "too long" "413" (chunked "fffffff\r\n") ~ends:false;
  status "cut off" "400" (chunked "3\r\na") ~ends:true;
  let answer, flow = sent [ chunked "3\r\n" ] in
  Alcotest.(check string) "waits" "" answer;
  seconds 29;
  Alcotest.(check string) "still" "" (Memory_flow.received flow);
  seconds 3;
  Alcotest.(check string) "too late" "408" (String.sub (Memory_flow.received flow) 9 3);
  Alcotest.(check bool) "closed" true (Memory_flow.is_closed flow)

let continue () =
  let expecting target = Printf.sprintf "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n" target in
  let answer, flow = sent [ expecting "/echo" ] in
  Alcotest.(check string) "asked for" "HTTP/1.1 100 Continue\r\n\r\n" answer;
  Memory_flow.send flow "abc";
  Alcotest.(check string) "answered" "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc" (Memory_flow.received flow);
  check_answer ~closed:true "not wanted" "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"
    (expecting "/hello");
  check_answer "sent all the same" "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc" (expecting "/echo" ^ "abc")

let not_http () =
  let answer, flow = sent [ "\022\003\001\002\000\001\000" ] in
  let text = "not HTTP but a TLS handshake: here is no HTTPS\n" in
  Alcotest.(check string) "TLS"
    (Printf.sprintf "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
       (String.length text) text)
    answer;
  Alcotest.(check bool) "gives the client time to read it" false (Memory_flow.is_closed flow);
  Memory_flow.finish flow;
  Alcotest.(check bool) "closed" true (Memory_flow.is_closed flow);
  let _, flow = sent [ "hello\r\n" ] in
  seconds 10;
  Alcotest.(check bool) "not for ever" true (Memory_flow.is_closed flow);
  let _, flow = sent ("hello\r\n" :: List.init 17 (fun _ -> String.make (1 lsl 20) 'x')) in
  Alcotest.(check bool) "nor whatever it sends" true (Memory_flow.is_closed flow)

let failures () =
  let answer, flow = sent [ get "/raises" ^ get "/rejects" ^ get "/hello" ] in
  let error =
    "HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/plain\r\ncontent-length: 22\r\n\r\nInternal Server Error\n"
  in
  Alcotest.(check string) "exceptions" (error ^ error ^ hello) answer;
  Memory_flow.break flow;
  Alcotest.(check bool) "a lost connection" true (Memory_flow.is_closed flow);
  let _, flow = sent [ "GET /he" ] in
  Memory_flow.finish flow;
  Alcotest.(check string) "a client that goes" "" (Memory_flow.received flow);
  Alcotest.(check bool) "closed" true (Memory_flow.is_closed flow)

(* Whatever raises, the connection ends, and nothing else does. *)
let bugs () =
  let bad_closer = { Session.callback = application; conn_closed = (fun _ -> failwith "a bug") } in
  let flow = Memory_flow.create () in
  let promise = Session.serve Limits.default (Deadlines.create ~sleep) bad_closer flow in
  Memory_flow.finish flow;
  Alcotest.(check bool) "an application" true (Memory_flow.is_closed flow && Lwt.state promise = Return ());
  let flow, promise = connect () in
  Memory_flow.forget flow;
  Memory_flow.send flow (get "/hello" ^ get "/hello");
  Alcotest.(check bool) "a flow" true (Lwt.state promise = Fail Not_found)

let deadlines () =
  let flow, _ = connect () in
  seconds 59;
  Alcotest.(check bool) "idle" false (Memory_flow.is_closed flow);
  Memory_flow.send flow (get "/hello");
  Alcotest.(check string) "not too late" hello (Memory_flow.received flow);
  seconds 63;
  Alcotest.(check bool) "idle too long" true (Memory_flow.is_closed flow);
  Alcotest.(check string) "not a word" "" (Memory_flow.received flow);
  (* Each byte in time, but not the head. *)
  let flow, promise = connect () in
  String.iter
    (fun char ->
      Memory_flow.send flow (String.make 1 char);
      seconds 1)
    "GET /hello H";
  Alcotest.(check string) "too slow" "408" (String.sub (Memory_flow.received flow) 9 3);
  Alcotest.(check bool) "closed" true (Memory_flow.is_closed flow && not (Lwt.is_sleeping promise));
  let flow, _ = connect () in
  Memory_flow.stall flow;
  Memory_flow.send flow (get "/large");
  seconds 29;
  Alcotest.(check bool) "a reader that sleeps" false (Memory_flow.is_closed flow);
  seconds 3;
  Alcotest.(check bool) "too long" true (Memory_flow.is_closed flow)

(* A client of a server that says nothing more. *)
let patience () =
  let module Channel = Channel.Make (Memory_flow) in
  let flow = Memory_flow.create () in
  let channel = Channel.create ~patience:5 Limits.default (Deadlines.create ~sleep) flow in
  let refill () = Lwt.state (Channel.refill channel) in
  Memory_flow.send flow "a";
  Alcotest.(check bool) "data" true (refill () = Return `Ok);
  seconds 20;
  let waiting = Channel.refill channel in
  seconds 4;
  Alcotest.(check bool) "waits" true (Lwt.is_sleeping waiting);
  seconds 3;
  Alcotest.(check bool) "not for ever" true (Lwt.state waiting = Return `Eof && refill () = Return `Eof);
  Lwt.ignore_result (Channel.close channel);
  seconds 1

let in_any_order () =
  let deadlines = Deadlines.create ~sleep in
  let flows = List.init 3 (fun _ -> fst (connect ~deadlines ())) in
  Memory_flow.finish (List.nth flows 0);
  Memory_flow.finish (List.nth flows 2);
  Alcotest.(check (list bool)) "two go" [ true; false; true ] (List.map Memory_flow.is_closed flows);
  seconds 63;
  Alcotest.(check (list bool)) "the other when it is time" [ true; true; true ] (List.map Memory_flow.is_closed flows)

let many () =
  let limits = { Limits.default with connections = 3 } in
  let deadlines = Deadlines.create ~sleep in
  let connect () = fst (connect ~limits ~deadlines ()) in
  let first = connect () in
  Memory_flow.send first "GET /";
  seconds 1;
  let second = connect () in
  seconds 1;
  let third = connect () in
  let fourth = connect () in
  Alcotest.(check (list bool)) "the longest idle goes" [ false; true; false; false ]
    (List.map Memory_flow.is_closed [ first; second; third; fourth ]);
  Memory_flow.send third "GET /";
  Memory_flow.send fourth "GET /";
  let fifth = connect () in
  Alcotest.(check string) "nobody idles" "503" (String.sub (Memory_flow.received fifth) 9 3);
  Memory_flow.finish fifth;
  Alcotest.(check int) "counted" 3 (Deadlines.count deadlines);
  List.iter Memory_flow.finish [ first; third; fourth ];
  Alcotest.(check int) "none is left" 0 (Deadlines.count deadlines);
  seconds 1;
  Alcotest.(check int) "and no timer" 0 (List.length !sleepers)

(* The same answers however the requests are cut, and never an exception. *)

let transcript text sizes =
  let before = !ended in
  let flow, promise = connect () in
  List.iter (Memory_flow.send flow) (Pieces.cut sizes text);
  Memory_flow.finish flow;
  seconds 7;
  if Lwt.is_sleeping promise || (not (Memory_flow.is_closed flow)) || !ended <> before + 1 then failwith "no end";
  Memory_flow.received flow

let cut_anyhow (text, sizes) = transcript text [ String.length text ] = transcript text sizes

let requests =
  let request =
    QCheck.Gen.oneofl
      [ get "/hello"; get "/stream"; post "/echo" "abc"; get "/raises"; post "/hello" "abcdef"; get "/close";
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n" ]
  in
  QCheck.Gen.(map (String.concat "") (list_size (int_range 1 4) request))

let printed = QCheck.make ~print:(Printf.sprintf "%S")

let () =
  let case name run = Alcotest.test_case name `Quick run in
  Alcotest.run "server"
    [
      ( "responses",
        [ case "answers" answers; case "streams" streams; case "one write" one_write; case "failures" failures; case "bugs" bugs ] );
      ("requests", [ case "bodies" bodies; case "bad bodies" bad_bodies; case "100-continue" continue; case "not HTTP" not_http ]);
      ("connections", [ case "keep-alive" keeping_alive; case "deadlines" deadlines; case "patience" patience; case "any order" in_any_order; case "many" many ]);
      ( "any bytes",
        [
          Chance.property "requests, cut anyhow" 2_000 (QCheck.pair (printed requests) Pieces.sizes) cut_anyhow;
          Chance.property "broken requests, cut anyhow" 5_000
            (QCheck.pair (printed (Pieces.broken_gen requests)) Pieces.sizes)
            cut_anyhow;
          Chance.property "noise, cut anyhow" 3_000 (QCheck.pair Pieces.noise Pieces.sizes) cut_anyhow;
        ] );
    ]
