type t = { mutable smoothed : int; mutable variation : int; mutable timeout : int; mutable doublings : int }

let ms = 1_000_000
let initial = 1000 * ms

(* The RFC's second would make a loss at the end of a transfer costly; 200 ms is what others use, and more than a
   delayed acknowledgement takes. *)
let least = 200 * ms
let most = 60_000 * ms
let granularity = ms
let create () = { smoothed = 0; variation = 0; timeout = initial; doublings = 0 }
let current t = Int.min most (t.timeout lsl t.doublings)
let round_trip t = t.smoothed

let recovered t = t.doublings <- 0

let sample t time =
  recovered t;
  if t.smoothed = 0 then begin
    t.smoothed <- Int.max 1 time;
    t.variation <- time / 2
  end
  else begin
    t.variation <- t.variation + ((abs (t.smoothed - time) - t.variation) asr 2);
    t.smoothed <- Int.max 1 (t.smoothed + ((time - t.smoothed) asr 3))
  end;
  t.timeout <- Int.max least (Int.min most (t.smoothed + Int.max granularity (4 * t.variation)))

(* As many as take the least time-out beyond the most. *)
let back_off t = t.doublings <- Int.min 10 (t.doublings + 1)
