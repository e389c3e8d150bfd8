(* Run by Debian's toplevel, `ocaml`: evaluates the cells that labkit sends, and says what came of them.

   All goes to the standard output: what a cell prints as it is, and the toplevel's own words in frames between it. A
   frame is a line with a mark that nobody guesses, a word and a length, and so many bytes:

     value N    what a phrase gave, or an error with its place, or the exception that ended it
     note N     warnings, and what else is printed to [Format.err_formatter]
     done N     the end of a cell: `ok` or `failed`

   The arguments are the file of requests (one line each: the path of a cell's text), the mark, and the file with what
   makes findlib ready. The end of the requests is our end. SIGINT interrupts a cell that runs, and is ignored
   between cells. *)

(* A module without a name of its own, so that cells see nothing of it. *)
let () =
  let module Driver = struct
    let requests = open_in_bin Sys.argv.(1)
    let mark = Sys.argv.(2)

    let frame word text =
      Format.pp_print_flush Format.std_formatter ();
      flush stderr;
      Printf.printf "%s %s %d\n%s%!" mark word (String.length text) text

    (* What is printed to it goes out as a frame each time it is flushed. *)
    let framed word formatter =
      let buffer = Buffer.create 256 in
      let send () =
        let text = Buffer.contents buffer in
        Buffer.clear buffer;
        if text <> "" then frame word text
      in
      let functions = Format.pp_get_formatter_out_functions formatter () in
      Format.pp_set_formatter_out_functions formatter
        { functions with out_string = Buffer.add_substring buffer; out_flush = send };
      Format.pp_set_margin formatter 90

    let values = Format.make_formatter (fun _ _ _ -> ()) ignore

    (* [use_file] reports errors well, but shows no values to a script. So the phrases run where they are read, one by
       one, and what is left for it to run is nothing. *)
    let () =
      let read = !Toploop.parse_use_file in
      Toploop.parse_use_file :=
        fun lexbuf ->
          let run phrase = if not (Toploop.execute_phrase true values phrase) then raise Exit in
          List.iter run (read lexbuf);
          []

    let evaluate path =
      let good = Toploop.use_file values path in
      Format.pp_print_flush Format.err_formatter ();
      Format.pp_print_flush values ();
      good

    (* While a cell runs it can be interrupted; nothing else can. *)
    let interruptible run =
      let calm () = Sys.set_signal Sys.sigint Sys.Signal_ignore in
      match
        Sys.set_signal Sys.sigint (Sys.Signal_handle (fun _ -> raise Sys.Break));
        let result = run () in
        calm ();
        result
      with
      | result -> result
      | exception error ->
          calm ();
          frame "value" (if error = Sys.Break then "Interrupted.\n" else Printexc.to_string error ^ "\n");
          false

    let rec serve () =
      match input_line requests with
      | exception End_of_file -> ()
      | path ->
          let good = interruptible (fun () -> evaluate path) in
          frame "done" (if good then "ok" else "failed");
          serve ()

    let () =
      Sys.set_signal Sys.sigint Sys.Signal_ignore;
      let found = Toploop.use_silently values "topfind" && Toploop.use_silently values Sys.argv.(3) in
      framed "value" values;
      framed "note" Format.err_formatter;
      if not found then frame "note" "findlib is not installed: #require does not work.\n";
      frame "done" "ok";
      serve ();
      exit 0
  end in
  ()
