(* Packets from fragments. *)

let content = String.init 100 (fun i -> Char.chr i)
let s = 1_000_000_000

let add ?(now = 0) ?(key = 1) t (offset, length) =
  let more = offset + length < String.length content in
  Reassembly.add t ~now:(Int64.of_int now) key ~offset ~more (Cstruct.of_string (String.sub content offset length))

let check name expected found = Alcotest.(check (option string)) name expected (Option.map Cstruct.to_string found)
let nothing name found = check name None found

let rec permutations = function
  | [] -> [ [] ]
  | items -> List.concat_map (fun item -> List.map (List.cons item) (permutations (List.filter (( <> ) item) items))) items

let any_order () =
  let each order =
    let t = Reassembly.create () in
    let results = List.map (add t) order in
    let last = List.length order - 1 in
    List.iteri (fun i result -> if i < last then nothing "not yet" result) results;
    check "whole" (Some content) (List.nth results last)
  in
  List.iter each (permutations [ (0, 24); (24, 32); (56, 40); (96, 4) ])

let twice () =
  let t = Reassembly.create () in
  List.iter (fun part -> nothing "not yet" (add t part)) [ (0, 24); (0, 24); (56, 44); (56, 44) ];
  check "whole" (Some content) (add t (24, 32));
  nothing "and gone" (add t (24, 32))

let overlap () =
  let try_parts parts last =
    let t = Reassembly.create () in
    List.iter (fun part -> nothing "not yet" (add t part)) parts;
    nothing "dropped" (add t last)
  in
  try_parts [ (0, 24); (56, 44) ] (16, 40);
  try_parts [ (0, 24); (56, 44) ] (24, 40);
  try_parts [ (0, 96); (56, 44) ] (24, 32)

let sorts_of_ends () =
  let t = Reassembly.create () in
  let part ~more offset length = Reassembly.add t ~now:0L 1 ~offset ~more (Cstruct.create length) in
  nothing "an end" (part ~more:false 64 10);
  nothing "another end" (part ~more:false 80 10);
  nothing "which dropped all" (part ~more:true 0 64);
  nothing "behind the end" (part ~more:false 16 8);
  nothing "dropped too" (part ~more:true 0 16);
  let t = Reassembly.create () in
  nothing "not a multiple of 8" (Reassembly.add t ~now:0L 1 ~offset:0 ~more:true (Cstruct.create 20));
  nothing "too long" (Reassembly.add t ~now:0L 2 ~offset:65_528 ~more:false (Cstruct.create 9));
  nothing "empty" (Reassembly.add t ~now:0L 3 ~offset:0 ~more:true Cstruct.empty)

let keys () =
  let t = Reassembly.create () in
  nothing "one" (add t ~key:1 (0, 48));
  nothing "another" (add t ~key:2 (48, 52));
  check "the one" (Some content) (add t ~key:1 (48, 52));
  check "the other" (Some content) (add t ~key:2 (0, 48))

let patience () =
  let t = Reassembly.create () in
  nothing "first" (add t ~now:0 (0, 48));
  nothing "too late" (add t ~now:(11 * s) (48, 52));
  check "in time again" (Some content) (add t ~now:(20 * s) (0, 48))

let memory () =
  let t = Reassembly.create ~bytes:2000 () in
  for key = 1 to 20 do
    nothing "first half" (add t ~now:key ~key (0, 96))
  done;
  nothing "the oldest had to go" (add t ~now:30 ~key:1 (96, 4));
  check "the youngest is there" (Some content) (add t ~now:31 ~key:20 (96, 4))

let small_pieces () =
  let t = Reassembly.create () in
  for i = 0 to 70 do
    nothing "piece" (Reassembly.add t ~now:0L 1 ~offset:(8 * i) ~more:true (Cstruct.create 8))
  done;
  nothing "more than 64 pieces are none" (Reassembly.add t ~now:0L 1 ~offset:(8 * 71) ~more:false (Cstruct.create 8))

let random = Random.State.make [| 815 |]

(* The content cut at random, in random order. *)
let rec cut offset =
  let left = String.length content - offset in
  let length = 8 * (1 + Random.State.int random 4) in
  if length >= left then [ (offset, left) ] else (offset, length) :: cut (offset + length)

let shuffled items = List.map snd (List.sort compare (List.map (fun item -> (Random.State.bits random, item)) items))

let random_pieces () =
  for _ = 1 to 2000 do
    let t = Reassembly.create () in
    let pieces = shuffled (cut 0) in
    let again = List.hd pieces in
    let results = List.map (add t) (again :: pieces) in
    check "whole at last" (Some content) (List.nth results (List.length pieces));
    nothing "what came behind" (add t again)
  done

(* Of two ways to cut, mixed, never anything comes but what was sent. *)
let mixed_pieces () =
  let made = ref 0 in
  for _ = 1 to 5000 do
    let t = Reassembly.create () in
    let see result =
      if result <> None then begin
        incr made;
        check "what was sent" (Some content) result
      end
    in
    List.iter (fun piece -> see (add t piece)) (shuffled (cut 0 @ cut 0 @ cut 0))
  done;
  Alcotest.(check bool) "sometimes it is" true (!made > 50)

let () =
  let case name test = Alcotest.test_case name `Quick test in
  Alcotest.run "reassembly"
    [
      ( "fragments",
        [
          case "in any order" any_order;
          case "twice" twice;
          case "overlapping" overlap;
          case "that do not fit" sorts_of_ends;
          case "of several packets" keys;
          case "in random pieces" random_pieces;
          case "cut in several ways" mixed_pieces;
        ] );
      ("bounds", [ case "time" patience; case "memory" memory; case "pieces" small_pieces ]);
    ]
