type t = {
  mss : int;
  mutable window : int;
  mutable threshold : int;  (** Slow start ends there. *)
  mutable counted : int;  (** Acknowledged in congestion avoidance since the window grew. *)
  mutable duplicates : int;
  mutable left : int;
  mutable recovering : bool;
  mutable highest : Sequence.t;  (** What fast recovery, or the last time-out, began with. *)
  mutable tolerance : int;  (** So many later segments say that one is lost. *)
  mutable before : int * int * Sequence.t;  (** [window], [threshold] and [highest] before fast recovery. *)
}

let least_tolerance = 3
let most_tolerance = 64
let initial_window mss = Int.min (10 * mss) (Int.max (2 * mss) 14600)

let create ~mss start =
  let window = initial_window mss in
  {
    mss;
    window;
    threshold = max_int;
    counted = 0;
    duplicates = 0;
    left = 0;
    recovering = false;
    highest = start;
    tolerance = least_tolerance;
    before = (window, max_int, start);
  }

let window t = t.window
let recovering t = t.recovering
let left t = t.left

(* Bytes that one acknowledgement may add in slow start: it may stand for many segments (RFC 9406, section 4.2). *)
let most_per_ack t = 8 * t.mss

let grow t bytes =
  if t.window < t.threshold then t.window <- t.window + Int.min bytes (most_per_ack t)
  else begin
    t.counted <- t.counted + bytes;
    if t.counted >= t.window then begin
      t.counted <- t.counted - t.window;
      t.window <- t.window + t.mss
    end
  end

let finish_recovery t ~left_over =
  t.recovering <- false;
  t.window <- Int.min t.threshold (Int.max left_over t.mss + t.mss);
  t.counted <- 0

let acknowledged t ~una ~bytes ~flight =
  let goes_on = t.recovering && una < t.highest in
  if goes_on then t.left <- Int.max 0 (t.left - bytes + t.mss)
  else begin
    (* A window that is not made use of says nothing about the network. *)
    if t.recovering then finish_recovery t ~left_over:(flight - bytes) else if 2 * flight >= t.window then grow t bytes;
    t.duplicates <- 0;
    t.left <- 0
  end;
  goes_on

(* Where too little is under way for so many duplicates, all but one must do (RFC 5827). *)
let tolerance t ~flight = Int.max 1 (Int.min t.tolerance ((flight / t.mss) - 1))

(* What was sent before a time-out may arrive twice; the duplicates that this causes tell of no loss. *)
let may_recover t ~una = (not t.recovering) && una > t.highest

let duplicate t ~una ~flight =
  t.left <- t.left + t.mss;
  t.duplicates <- t.duplicates + 1;
  t.duplicates >= tolerance t ~flight && may_recover t ~una

let halve t ~flight = t.threshold <- Int.max (flight / 2) (2 * t.mss)

let recover t ~flight ~highest =
  t.before <- (t.window, t.threshold, t.highest);
  halve t ~flight;
  t.window <- t.threshold;
  t.recovering <- true;
  t.highest <- highest

let undo t =
  let window, threshold, highest = t.before in
  t.window <- Int.max t.window window;
  t.threshold <- threshold;
  t.highest <- highest;
  t.recovering <- false;
  t.left <- 0;
  t.duplicates <- 0;
  t.tolerance <- Int.min most_tolerance (t.tolerance + 1)

let timed_out t ~flight ~highest ~again =
  if not again then halve t ~flight;
  t.window <- t.mss;
  t.counted <- 0;
  t.duplicates <- 0;
  t.left <- 0;
  t.recovering <- false;
  t.highest <- highest

let was_idle t = t.window <- Int.min t.window (initial_window t.mss)
