type 'a alarm = { owner : 'a; mutable at : int; mutable place : int }

(* The children of the alarm at [i] are at [2i + 1] and [2i + 2], and ring no sooner. *)
type 'a t = { mutable alarms : 'a alarm array; mutable count : int }

let create () = { alarms = [||]; count = 0 }

let put t i alarm =
  t.alarms.(i) <- alarm;
  alarm.place <- i

let rec rise t i alarm =
  let parent = (i - 1) / 2 in
  if i > 0 && t.alarms.(parent).at > alarm.at then begin
    put t i t.alarms.(parent);
    rise t parent alarm
  end
  else put t i alarm

let rec sink t i alarm =
  let left = (2 * i) + 1 in
  let child = if left + 1 < t.count && t.alarms.(left + 1).at < t.alarms.(left).at then left + 1 else left in
  if left < t.count && t.alarms.(child).at < alarm.at then begin
    put t i t.alarms.(child);
    sink t child alarm
  end
  else put t i alarm

let insert t alarm =
  if t.count = Array.length t.alarms then begin
    let larger = Array.make (Int.max 16 (2 * t.count)) alarm in
    Array.blit t.alarms 0 larger 0 t.count;
    t.alarms <- larger
  end;
  t.count <- t.count + 1;
  rise t (t.count - 1) alarm

let set t alarm time =
  if alarm.place < 0 then begin
    if time < max_int then begin
      alarm.at <- time;
      insert t alarm
    end
  end
  else if time < alarm.at then begin
    alarm.at <- time;
    rise t alarm.place alarm
  end

(* The free end keeps no alarm alive but the first, and of that there is none in an empty heap. *)
let forget_end t = if t.count = 0 then t.alarms <- [||] else t.alarms.(t.count) <- t.alarms.(0)

let remove t alarm =
  if alarm.place >= 0 then begin
    let i = alarm.place in
    alarm.place <- -1;
    t.count <- t.count - 1;
    let last = t.alarms.(t.count) in
    if last != alarm then begin
      if i > 0 && t.alarms.((i - 1) / 2).at > last.at then rise t i last else sink t i last
    end;
    forget_end t
  end

let next t = if t.count = 0 then max_int else t.alarms.(0).at

let ringing t ~now =
  if t.count = 0 || t.alarms.(0).at > now then None
  else begin
    let alarm = t.alarms.(0) in
    remove t alarm;
    Some alarm.owner
  end
