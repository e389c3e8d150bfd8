(* A ring of buffers. [first] and [behind] count buffers since the beginning; the place in the arrays is the count
   modulo their size, a power of two. *)
type t = {
  mutable buffers : Cstruct.t array;
  mutable starts : Sequence.t array;  (** Of each buffer. *)
  mutable first : int;
  mutable behind : int;
  mutable start : Sequence.t;
  mutable finish : Sequence.t;
}

let create start = { buffers = [||]; starts = [||]; first = 0; behind = 0; start; finish = start }
let[@inline] start t = t.start
let[@inline] finish t = t.finish
let[@inline] place t count = count land (Array.length t.buffers - 1)

let grow t =
  let size = Array.length t.buffers in
  let larger = Int.max 4 (2 * size) in
  let buffers = Array.make larger Cstruct.empty and starts = Array.make larger 0 in
  for count = t.first to t.behind - 1 do
    buffers.(count land (larger - 1)) <- t.buffers.(place t count);
    starts.(count land (larger - 1)) <- t.starts.(place t count)
  done;
  t.buffers <- buffers;
  t.starts <- starts

let append t buffer =
  let length = Cstruct.length buffer in
  if length > 0 then begin
    if t.behind - t.first = Array.length t.buffers then grow t;
    t.buffers.(place t t.behind) <- buffer;
    t.starts.(place t t.behind) <- t.finish;
    t.behind <- t.behind + 1;
    t.finish <- t.finish + length
  end

let clear t =
  t.buffers <- [||];
  t.starts <- [||];
  t.first <- 0;
  t.behind <- 0;
  t.start <- t.finish

(* A ring that was needed once is not kept for the rest of a long idle connection. *)
let small = 64

let acknowledge t sequence =
  if sequence >= t.finish && Array.length t.buffers > small then clear t
  else begin
    let ends count = t.starts.(place t count) + Cstruct.length t.buffers.(place t count) in
    while t.first < t.behind && ends t.first <= sequence do
      t.buffers.(place t t.first) <- Cstruct.empty;
      t.first <- t.first + 1
    done;
    t.start <- Int.max t.start sequence
  end

(* The buffer with the byte [sequence]: one of those from [low] on and before [high]. *)
let rec find t sequence low high =
  if high - low <= 1 then low
  else
    let middle = (low + high) lsr 1 in
    if t.starts.(place t middle) <= sequence then find t sequence middle high else find t sequence low middle

let rec slices t count offset length =
  let buffer = t.buffers.(place t count) in
  let available = Cstruct.length buffer - offset in
  if length <= available then [ Cstruct.sub buffer offset length ]
  else Cstruct.sub buffer offset available :: slices t (count + 1) 0 (length - available)

let slice t sequence length =
  if length = 0 then []
  else
    let count = find t sequence t.first t.behind in
    slices t count (sequence - t.starts.(place t count)) length
