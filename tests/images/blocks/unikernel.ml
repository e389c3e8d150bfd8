open Cmdliner
open Lwt.Infix

type what = Info | Scatter | Flight | Wrong | Mark | Load | Block

let what =
  let kinds =
    [
      ("info", Info); ("scatter", Scatter); ("flight", Flight); ("wrong", Wrong); ("mark", Mark); ("load", Load);
      ("block", Block);
    ]
  in
  let doc = Arg.info ~doc:"What to do." [ "what" ] in
  Mirage_runtime.register_arg Arg.(required & opt (some (enum kinds)) None doc)

module type FLUSHED = sig
  include Mirage_block.S

  val flush : t -> (unit, write_error) result Lwt.t
end

module Main (First : FLUSHED) (Scratch : Mirage_block.S) (Second : Mirage_block.S) = struct
  let must pp = function Ok () -> () | Error error -> failwith (Fmt.str "%a" pp error)
  let said pp = function Ok () -> print_endline "ok" | Error error -> Fmt.pr "%a@." pp error
  let size = 512

  (* Tells sectors and their generations apart. *)
  let sector ~generation number =
    let buffer = Cstruct.create size in
    for i = 0 to (size / 8) - 1 do
      Cstruct.LE.set_uint64 buffer (8 * i) (Int64.of_int ((generation lsl 40) lxor (number lsl 8) lxor i))
    done;
    buffer

  let check ~generation number buffer =
    if not (Cstruct.equal buffer (sector ~generation number)) then
      failwith (Printf.sprintf "sector %d is not of generation %d" number generation)

  let info first scratch second =
    let show name get_info device = get_info device >|= fun info -> Fmt.pr "%s: %a@." name Mirage_block.pp_info info in
    show "first" First.get_info first >>= fun () ->
    show "scratch" Scratch.get_info scratch >>= fun () -> show "second" Second.get_info second

  (* More buffers than a request takes, none beside another; and one that is larger than a request may be. *)
  let scatter first =
    let count = 2000 in
    let apart = List.init count (sector ~generation:1) in
    First.write first 0L apart >|= must First.pp_write_error >>= fun () ->
    let whole = Cstruct.create (count * size) in
    First.read first 0L [ whole ] >|= must First.pp_error >>= fun () ->
    List.iteri (fun i _ -> check ~generation:1 i (Cstruct.sub whole (i * size) size)) apart;
    let large = 12 * 1024 * 1024 / size in
    let buffer = Cstruct.concat (List.init large (sector ~generation:2)) in
    First.write first 0L [ buffer ] >|= must First.pp_write_error >>= fun () ->
    let back = List.init large (fun _ -> Cstruct.create size) in
    First.read first 0L back >|= must First.pp_error >|= fun () ->
    List.iteri (check ~generation:2) back;
    print_endline "scattered"

  (* Requests of two disks, far more than their queues take, while time goes on. *)
  let flight first second =
    let ticks = ref 0 and over = ref false in
    let rec tick () =
      if !over then Lwt.return_unit
      else begin
        incr ticks;
        Mirage_sleep.ns (Duration.of_ms 1) >>= tick
      end
    in
    let count = 3000 in
    let all f = Lwt.join (List.init count f) in
    let round generation =
      all (fun i ->
          First.write first (Int64.of_int i) [ sector ~generation i ] >|= must First.pp_write_error >>= fun () ->
          Second.write second (Int64.of_int (count - i)) [ sector ~generation i ] >|= must Second.pp_write_error)
      >>= fun () ->
      First.flush first >|= must First.pp_write_error >>= fun () ->
      all (fun i ->
          let one = Cstruct.create size and other = Cstruct.create size in
          Lwt.both
            (First.read first (Int64.of_int i) [ one ] >|= must First.pp_error)
            (Second.read second (Int64.of_int (count - i)) [ other ] >|= must Second.pp_error)
          >|= fun _ ->
          check ~generation i one;
          check ~generation i other)
    in
    let work = round 1 >>= fun () -> round 2 >|= fun () -> over := true in
    Lwt.join [ tick (); work ] >>= fun () ->
    First.disconnect first >>= fun () ->
    First.read first 0L [] >|= said First.pp_error >|= fun () ->
    if !ticks < 3 then failwith "time stood still";
    print_endline "all came back"

  let wrong first second =
    First.get_info first >>= fun { size_sectors; _ } ->
    let last = Int64.pred size_sectors in
    First.read first size_sectors [ Cstruct.create size ] >|= said First.pp_error >>= fun () ->
    First.write first last [ Cstruct.create (2 * size) ] >|= said First.pp_write_error >>= fun () ->
    First.read first (-1L) [ Cstruct.create size ] >|= said First.pp_error >>= fun () ->
    First.read first 0L [ Cstruct.create 511 ] >|= said First.pp_error >>= fun () ->
    First.read first size_sectors [ Cstruct.empty ] >|= said First.pp_error >>= fun () ->
    First.write first last [ Cstruct.create size ] >|= said First.pp_write_error >>= fun () ->
    Second.write second 0L [ Cstruct.create size ] >|= said Second.pp_write_error >>= fun () ->
    First.flush first >|= said First.pp_write_error

  (* A word on each disk, by which the host tells them apart. *)
  let mark first second =
    let word text =
      let buffer = Cstruct.create size in
      Cstruct.blit_from_string text 0 buffer 0 (String.length text);
      buffer
    in
    First.write first 1L [ word "on the first" ] >|= must First.pp_write_error >>= fun () ->
    Second.write second 1L [ word "on the second" ] >|= must Second.pp_write_error >>= fun () ->
    First.flush first >|= must First.pp_write_error

  (* Until its plug is pulled. *)
  let load first =
    let rec write generation =
      First.write first 0L (List.init 64 (sector ~generation)) >|= must First.pp_write_error >>= fun () ->
      if generation = 1 then print_endline "writing";
      write (generation + 1)
    in
    write 1

  (* Stands still, for the console, while a request is under way that nobody waits for. *)
  let block first =
    let written = First.write first 1L [ sector ~generation:1 1 ] in
    print_endline "asked";
    print_endline (read_line ());
    written >|= must First.pp_write_error

  let start first scratch second =
    match what () with
    | Info -> info first scratch second
    | Scatter -> scatter first
    | Flight -> flight first second
    | Wrong -> wrong first second
    | Mark -> mark first second
    | Load -> load first
    | Block -> block first
end
