(* Power cuts, thousands of them: what is acknowledged is there afterwards, and never a wrong value.

   STORE_SEED=N has only the lives of this seed; STORE_CUTS=N has about so many cuts. *)

let number name default = match Sys.getenv_opt name with Some text -> int_of_string text | None -> default
let cuts = number "STORE_CUTS" 6000
let lives_each = 20

(* The smallest device: compaction has much to do. *)
let sectors = 514

let with_seed seed f =
  try f ()
  with Failure reason -> Alcotest.failf "STORE_SEED=%d: %s" seed reason

let seeds share =
  match Sys.getenv_opt "STORE_SEED" with
  | Some seed -> [ int_of_string seed ]
  | None -> List.init (max 1 (cuts * share / 100 / lives_each)) (fun i -> i + 1)

(* How often the power was cut between the two copies of a superblock. *)
let in_compaction = ref 0

let live lives plan =
  Lives.live lives plan;
  if Lives.was_cutting lives then incr in_compaction

let with_compaction ~least run () =
  in_compaction := 0;
  run ();
  Printf.printf "%d cuts in compaction\n" !in_compaction;
  if cuts >= 1000 && Sys.getenv_opt "STORE_SEED" = None then
    Alcotest.(check bool) "compaction was cut, too" true (!in_compaction >= least)

(* Lives of random length, many of them short. *)
let random_lives ~share ~tight ~failures sizes () =
  let one seed =
    with_seed seed @@ fun () ->
    let random = Random.State.make [| seed; 77 |] in
    let int n = Random.State.int random n in
    let lives = Lives.make ~seed ~sectors in
    for _ = 1 to lives_each do
      let cut = match int 3 with 0 -> `At (int 8) | 1 -> `At_head (int 8, int 10) | _ -> `At (int 250) in
      live lives { cut; bursts = 250; together = 1 + int 4; sizes; tight; failures }
    done;
    Lives.finish lives
  in
  List.iter one (seeds share)

(* The same transaction's place, again and again. *)
let short_lives ~share () =
  let one seed =
    with_seed seed @@ fun () ->
    let random = Random.State.make [| seed; 78 |] in
    let lives = Lives.make ~seed ~sectors in
    for _ = 1 to lives_each do
      let sizes = { Model.longest = 25_000; long = 90 } in
      let cut = `At (Random.State.int random 7) in
      live lives { cut; bursts = 5; together = 1; sizes; tight = true; failures = false }
    done;
    Lives.finish lives
  in
  List.iter one (seeds share)

(* One life, cut at each of its writes and flushes in turn. *)
let every_moment () =
  let one seed =
    with_seed seed @@ fun () ->
    let sizes = { Model.longest = 12_000; long = 40 } in
    let plan cut = { Lives.cut = `At cut; bursts = 150; together = 2; sizes; tight = true; failures = false } in
    let whole = Lives.make ~seed ~sectors in
    Lives.live whole (plan max_int);
    for cut = 0 to Lives.operations whole do
      let lives = Lives.make ~seed ~sectors in
      live lives (plan cut);
      Lives.finish lives
    done
  in
  List.iter one (match seeds 100 with [ seed ] -> [ seed ] | _ -> [ 1; 2; 3; 4 ])

(* The first use of a disk. *)
let formatting () =
  for seed = 1 to max 1 (cuts / 20) do
    with_seed seed @@ fun () ->
    let lives = Lives.make ~seed ~sectors in
    let sizes = { Model.longest = 100; long = 1 } in
    let plan cut = { Lives.cut = `At cut; bursts = 1; together = 1; sizes; tight = false; failures = false } in
    Lives.live lives (plan (seed mod 5));
    Lives.live lives (plan (seed / 5 mod 5));
    Lives.finish lives
  done

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "power"
    [
      ( "cuts",
        [
          case "at first use" formatting;
          case "at every moment" (with_compaction ~least:20 every_moment);
          case "at random"
            (with_compaction ~least:100
               (random_lives ~share:30 ~tight:false ~failures:false { longest = 5_000; long = 30 }));
          case "with large values, when nearly full"
            (with_compaction ~least:100
               (random_lives ~share:20 ~tight:true ~failures:false { longest = 50_000; long = 60 }));
          case "of a disk that fails"
            (with_compaction ~least:100
               (random_lives ~share:30 ~tight:true ~failures:true { longest = 8_000; long = 50 }));
          case "at the same place" (short_lives ~share:20);
        ] );
    ]
