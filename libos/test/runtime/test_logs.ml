(* The lines of Mirage_logs. *)

let weight = Logs.Tag.def "weight" Format.pp_print_int
let source = Logs.Src.create "here"

(* What [log] prints through our reporter, the time left out. *)
let line log =
  let buffer = Buffer.create 80 in
  let reporter = Mirage_logs.create ~ch:(Format.formatter_of_buffer buffer) () in
  Logs.set_level ~all:true (Some Logs.Debug);
  Logs.set_reporter reporter;
  log ();
  let text = Buffer.contents buffer in
  let time_ends = String.index text 'T' + String.length "T12:00:00-00:00" in
  (String.sub text 0 time_ends, String.sub text time_ends (String.length text - time_ends))

let check expected log () = Alcotest.(check string) "line" expected (snd (line log))

let has_the_time () =
  let time, _ = line (fun () -> Logs.app (fun m -> m "now")) in
  match Ptime.of_rfc3339 time with
  | Ok (time, _, _) ->
      let age = Ptime.Span.to_float_s (Ptime.diff (Mirage_ptime.now ()) time) in
      Alcotest.(check bool) "a second ago at most" true (age >= 0. && age < 2.)
  | Error _ -> Alcotest.failf "%S is no time" time

(* The library logs prints headers its own way; ours must look the same. *)
let has_the_usual_header () =
  let message level = Logs.msg level (fun m -> m "text") in
  let check level =
    let usual = Format.asprintf ": %a [application] text\n" Logs_fmt.pp_header (level, None) in
    Alcotest.(check string) (Logs.level_to_string (Some level)) usual (snd (line (fun () -> message level)))
  in
  List.iter check Logs.[ App; Error; Warning; Info; Debug ]

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "logs"
    [
      ( "lines",
        [
          case "time" has_the_time;
          case "header" has_the_usual_header;
          case "level" (check ": [INFO] [application] one\n" (fun () -> Logs.info (fun m -> m "%s" "one")));
          case "source" (check ": [WARNING] [here] two\n" (fun () -> Logs.warn ~src:source (fun m -> m "two")));
          case "header of its own"
            (check ": [three] [application] 3\n" (fun () -> Logs.debug (fun m -> m ~header:"three" "%d" 3)));
          case "tags"
            (check ": weight=4 [INFO] [application] four\n" (fun () ->
                 Logs.info (fun m -> m ~tags:Logs.Tag.(add weight 4 empty) "four")));
        ] );
    ]
