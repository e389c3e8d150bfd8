(* Disks whose bytes were changed behind the store's back: an error that says so, or values that were once set; nothing
   else, and no exception.

   STORE_SEED=N has only this seed; STORE_DISKS=N has so many disks. *)

open Lwt.Infix
module Key = Mirage_kv.Key
module Int63 = Optint.Int63
module Store = Log_store.Make (Model_disk)

let number name default = match Sys.getenv_opt name with Some text -> int_of_string text | None -> default
let disks = number "STORE_DISKS" 600
let sectors = 514
let clock = ref 0

let now () =
  incr clock;
  Option.get (Ptime.of_float_s (float_of_int !clock))

(* Every value that each key has had. *)
type history = (string, string) Hashtbl.t

let note (history : history) state =
  let add path value () = if not (List.mem value (Hashtbl.find_all history path)) then Hashtbl.add history path value in
  Kv_index.fold add state ()

let contents store =
  let must = function Ok value -> value | Error error -> Fmt.failwith "not read: %a" Store.pp_error error in
  let rec below state key = Store.list store key >|= must >>= Lwt_list.fold_left_s entry state
  and entry state = function
    | key, `Dictionary -> below state key
    | key, `Value -> Store.get store key >|= must >|= Kv_index.set state key
  in
  below Kv_index.empty Key.empty

(* Much is done on a disk, some of it by compaction. *)
let use random (history : history) disk =
  let ok = function Ok value -> value | Error _ -> failwith "not made" in
  let rec go store state n =
    if n = 0 then Store.disconnect store
    else
      let operation = Model.any random { longest = 9_000; long = 60 } in
      let asked =
        match operation with
        | Set (key, value) -> Store.set store key value
        | Set_partial (key, offset, part) -> Store.set_partial store key ~offset:(Int63.of_int offset) part
        | Allocate (key, size) -> Store.allocate store key (Int63.of_int size)
        | Remove key -> Store.remove store key
        | Rename (source, dest) -> Store.rename store ~source ~dest
      in
      asked >>= fun answer ->
      let state = match (answer, Model.apply state operation) with Ok (), Ok state -> state | _ -> state in
      note history state;
      go store state (n - 1)
  in
  let all =
    Store.connect ~now disk >|= ok >>= fun store ->
    contents store >>= fun state -> go store state (10 + Random.State.int random 100)
  in
  Runner.run all

(* Changes *)

let size = sectors * 512

let flip random disk =
  let at = Random.State.int random size in
  Model_disk.set disk at (Char.chr (Char.code (Model_disk.get disk at) lxor (1 lsl Random.State.int random 8)))

let fill random disk =
  let first = Random.State.int random sectors * 512 in
  let length = min (size - first) (512 * (1 + Random.State.int random 8)) in
  let kind = Random.State.int random 3 in
  for i = first to first + length - 1 do
    Model_disk.set disk i (match kind with 0 -> '\000' | 1 -> '\255' | _ -> Char.chr (Random.State.int random 256))
  done

(* Whole sectors in the wrong place: each of them is good. *)
let misplace random disk =
  let from = Random.State.int random sectors * 512 and dest = Random.State.int random sectors * 512 in
  for i = 0 to min (512 * (1 + Random.State.int random 16)) (size - max from dest) - 1 do
    Model_disk.set disk (dest + i) (Model_disk.get disk (from + i))
  done

(* As it was some time ago. *)
let set_back random disk old =
  let first = Random.State.int random sectors * 512 in
  for i = first to min size (first + (512 * (1 + Random.State.int random 8))) - 1 do
    Model_disk.set disk i (Model_disk.get old i)
  done

let damage random disk old =
  for _ = 0 to Random.State.int random 8 do
    match Random.State.int random 6 with
    | 0 | 1 | 2 -> flip random disk
    | 3 -> fill random disk
    | 4 -> misplace random disk
    | _ -> set_back random disk old
  done

(* By somebody who knows the format: checksums are right, what they are of is not. *)

let read disk at length = String.init length (fun i -> Model_disk.get disk (at + i))
let write_at disk at text = String.iteri (fun i byte -> Model_disk.set disk (at + i) byte) text

let int32 number =
  let bytes = Bytes.create 4 in
  Bytes.set_int32_le bytes 0 number;
  Bytes.to_string bytes

let change random disk at =
  let any = [| '\000'; '\001'; '\127'; '\255'; Char.chr (Random.State.int random 256) |] in
  Model_disk.set disk at any.(Random.State.int random (Array.length any))

let sum parts =
  let all = String.concat "" parts in
  int32 Checkseum.Crc32c.(to_int32 (digest_string all 0 (String.length all) default))

let forge_superblock random disk copy =
  let at = copy * 512 in
  change random disk (at + 8 + Random.State.int random 64);
  write_at disk (at + 72) (sum [ read disk at 72 ])

let forge_frame random disk at =
  let length offset = Int32.to_int (String.get_int32_le (read disk (at + offset) 4) 0) in
  let records () = at + 52 + length 40 in
  if Random.State.bool random then change random disk (at + 4 + Random.State.int random 44)
  else if length 44 > 0 then change random disk (records () + Random.State.int random (length 44));
  if length 40 >= 0 && length 44 >= 0 && records () + length 44 <= size then
    write_at disk (at + 48) (sum [ read disk at 48; read disk (records ()) (length 44) ])

let forge random disk =
  let frames = List.filter (fun sector -> read disk (sector * 512) 4 = "ULFR") (List.init sectors Fun.id) in
  for _ = 0 to Random.State.int random 3 do
    if Random.State.int random 5 = 0 then begin
      forge_superblock random disk 0;
      if Random.State.bool random then forge_superblock random disk 1
    end
    else forge_frame random disk (512 * List.nth frames (Random.State.int random (List.length frames)))
  done

(* Looking *)

type tally = { mutable refused : int; mutable damaged : int; mutable good : int }

let tally = { refused = 0; damaged = 0; good = 0 }

let look ~forged (history : history) store =
  let check key = function
    | Ok value ->
        tally.good <- tally.good + 1;
        if (not forged) && not (List.mem value (Hashtbl.find_all history (Kv_index.path key))) then
          Fmt.failwith "%a has a value that was never set" Key.pp key
    | Error (`Damaged _) -> tally.damaged <- tally.damaged + 1
    | Error error -> Fmt.failwith "%a: %a" Key.pp key Store.pp_error error
  in
  let rec below key =
    Store.list store key >>= function
    | Error error -> Fmt.failwith "list %a: %a" Key.pp key Store.pp_error error
    | Ok entries -> Lwt_list.iter_s entry entries
  and entry = function
    | key, `Dictionary -> below key
    | key, `Value ->
        Store.get store key >>= fun value ->
        check key value;
        Store.size store key >>= fun _ ->
        Store.get_partial store key ~offset:(Int63.of_int 1000) ~length:100 >|= fun _ -> ()
  in
  below Key.empty

(* It goes on working, whatever has become of the values. *)
let write store =
  let rec go n =
    if n = 0 then Lwt.return_unit
    else
      Store.set store (Key.v "new") (String.make (n * 40) 'n') >>= function
      | Ok () | Error (`Damaged _ | `No_space) -> go (n - 1)
      | Error error -> Fmt.failwith "set: %a" Store.pp_write_error error
  in
  Store.remove store (Key.v "new") >>= fun _ -> go 150

let one ~forged seed =
  let random = Random.State.make [| seed |] in
  let history = Hashtbl.create 64 in
  let disk = Model_disk.create sectors in
  use random history disk;
  let old = Model_disk.copy disk in
  use random history disk;
  if forged then forge random disk else damage random disk old;
  let all =
    Store.connect ~now disk >>= function
    | Error (`Unknown_content | `Damaged _ | `Version _ | `Wrong_size _) -> Lwt.return (tally.refused <- tally.refused + 1)
    | Error error -> Fmt.failwith "connect: %a" Log_store.pp_connect_error error
    | Ok store ->
        look ~forged history store >>= fun () ->
        write store >>= fun () -> Store.disconnect store
  in
  try Runner.run all with exn -> Alcotest.failf "STORE_SEED=%d: %s" seed (Printexc.to_string exn)

let damaged_disks ~forged () =
  (match Sys.getenv_opt "STORE_SEED" with
  | Some seed -> one ~forged (int_of_string seed)
  | None ->
      for seed = 1 to disks do
        one ~forged seed
      done);
  Printf.printf "%d refused; %d values damaged, %d good\n" tally.refused tally.damaged tally.good;
  if (not forged) && disks >= 500 && Sys.getenv_opt "STORE_SEED" = None then
    Alcotest.(check bool) "all ways were gone" true (tally.refused > 50 && tally.damaged > 50 && tally.good > 500)

(* Noise of any kind is no store. *)
let noise () =
  let random = Random.State.make [| 9 |] in
  for _ = 1 to 50 do
    let disk = Model_disk.create sectors in
    for i = 0 to size - 1 do
      if Random.State.int random 3 > 0 then Model_disk.set disk i (Char.chr (Random.State.int random 256))
    done;
    match Runner.run (Store.connect ~now disk) with
    | Error `Unknown_content -> ()
    | Ok _ | Error _ -> Alcotest.fail "taken for a store"
  done

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "corrupt"
    [
      ( "disks",
        [
          case "damaged" (damaged_disks ~forged:false);
          case "forged" (damaged_disks ~forged:true);
          case "noise" noise;
        ] );
    ]
