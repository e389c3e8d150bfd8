(* A run without a gap; its pieces are kept with the last first. *)
type block = { start : Sequence.t; finish : Sequence.t; pieces : Cstruct.t list }

(* Blocks do not touch, and are kept with the highest first: that is where the next is likely to go. *)
type t = {
  mutable blocks : block list;
  mutable bytes : int;
  mutable latest : Sequence.t;  (** In the block that grew last. *)
}

let create () = { blocks = []; bytes = 0; latest = 0 }
let is_empty t = t.blocks = []
let bytes t = t.bytes

let clear t =
  t.blocks <- [];
  t.bytes <- 0

let piece t data =
  t.bytes <- t.bytes + Cstruct.length data;
  Compact.buffer data

let extended t block data =
  { block with finish = block.finish + Cstruct.length data; pieces = piece t data :: block.pieces }

(* [block] on top of [blocks], joined if they touch. *)
let on_top block = function
  | below :: rest when below.finish = block.start ->
      { block with start = below.start; pieces = block.pieces @ below.pieces } :: rest
  | blocks -> block :: blocks

let rec inserted t start data blocks =
  let finish = start + Cstruct.length data in
  match blocks with
  | block :: rest when start <= block.finish ->
      let grown =
        if finish > block.finish then extended t block (Cstruct.shift data (block.finish - start)) else block
      in
      if start >= block.start then grown :: rest
      else
        let below = if finish > block.start then Cstruct.sub data 0 (block.start - start) else data in
        on_top grown (inserted t start below rest)
  | blocks -> { start; finish; pieces = [ piece t data ] } :: blocks

let insert t start data =
  if Cstruct.length data > 0 then begin
    t.blocks <- inserted t start data t.blocks;
    t.latest <- start
  end

let rec deliver_from next position deliver = function
  | [] -> ()
  | data :: rest ->
      let behind = position + Cstruct.length data in
      if behind > next then deliver (if position < next then Cstruct.shift data (next - position) else data);
      deliver_from next behind deliver rest

let take t next deliver =
  let rec from next = function
    | block :: above when block.start <= next ->
        t.bytes <- t.bytes - (block.finish - block.start);
        deliver_from next block.start deliver (List.rev block.pieces);
        from (Int.max next block.finish) above
    | above ->
        t.blocks <- List.rev above;
        next
  in
  if t.blocks = [] then next else from next (List.rev t.blocks)

let blocks t most =
  let range { start; finish; _ } = (start, finish) in
  let holds { start; finish; _ } = start <= t.latest && t.latest < finish in
  let latest, others = List.partition holds t.blocks in
  List.filteri (fun i _ -> i < most) (List.map range (latest @ others))
