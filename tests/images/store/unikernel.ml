open Cmdliner
open Lwt.Infix

let program_block_size = Arg.(value & opt int 16 & info [ "program-block-size" ] ~doc:"As upstream has it.")

let seed =
  let doc = Arg.info [ "seed" ] ~doc:"What to write is drawn from this." in
  Mirage_runtime.register_arg Arg.(value & opt int 0 doc)

let rounds =
  let doc = Arg.info [ "rounds" ] ~doc:"How many times to write; unless given, until the power is cut." in
  Mirage_runtime.register_arg Arg.(value & opt int max_int doc)

(* What is printed, a line each:

   have KEY NUMBER      what the store has, and the value is whole
   ready                that was all
   begin KEY NUMBER     a value with this number is being set; number 0: the key is being removed
   done KEY NUMBER      it was acknowledged *)
module Main (Store : Mirage_kv.RW) = struct
  let keys = 60
  let key number = Mirage_kv.Key.v (Printf.sprintf "dir%d/key%d" (number mod 7) number)
  let must pp = function Ok value -> value | Error error -> Fmt.failwith "%a" pp error

  (* A value that tells its key and number, of a length that follows from both. *)
  let value ~key ~number =
    let head = Printf.sprintf "%d %d:" key number in
    let lengths = [| 20; 100; 500; 3_000; 9_000; 30_000 |] in
    let length = String.length head + (((key * 7) + (number * 13)) mod lengths.(number mod 6)) in
    String.init length (fun i -> if i < String.length head then head.[i] else Char.chr ((i + (number * 31)) land 255))

  let look store =
    let one highest number =
      Store.get store (key number) >|= function
      | Error (`Not_found _) -> highest
      | Error error -> Fmt.failwith "%a" Store.pp_error error
      | Ok text -> (
          match Scanf.sscanf text "%d %d:" (fun key number -> (key, number)) with
          | of_key, of_number when of_key = number && text = value ~key:number ~number:of_number ->
              Printf.printf "have %d %d\n" number of_number;
              max highest of_number
          | _ | (exception (Scanf.Scan_failure _ | Failure _ | End_of_file)) ->
              Fmt.failwith "key %d has a value that was never set: %S" number text )
    in
    Lwt_list.fold_left_s one 0 (List.init keys Fun.id)

  (* Each in a turn has its own key, so that the order in which they are written cannot matter. *)
  let write store random ~number ~key:index =
    let removes = Random.State.int random 10 = 0 in
    let number = if removes then 0 else number in
    Printf.printf "begin %d %d\n%!" index number;
    let written =
      if removes then Store.remove store (key index) else Store.set store (key index) (value ~key:index ~number)
    in
    written >|= must Store.pp_write_error >|= fun () -> Printf.printf "done %d %d\n%!" index number

  let start store =
    look store >>= fun highest ->
    Printf.printf "ready\n%!";
    let random = Random.State.make [| seed () |] in
    let rec go round number =
      if round = rounds () then Lwt.return_unit
      else
        let together = 1 + Random.State.int random 4 in
        let first = Random.State.int random keys in
        let one i = write store random ~number:(number + i) ~key:((first + (i * 11)) mod keys) in
        Lwt.join (List.init together one) >>= fun () -> go (round + 1) (number + together)
    in
    go 0 (highest + 1) >>= fun () -> Store.disconnect store
end
