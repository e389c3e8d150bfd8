let seconds_per_day = 86_400

(* Years are counted from March, so that a leap day is the last of its year; 146,097 days make 400 years. *)
let date_of_days days =
  let days = days + 719_468 in
  let era = days / 146_097 in
  let day_of_era = days mod 146_097 in
  let year_of_era = (day_of_era - (day_of_era / 1_460) + (day_of_era / 36_524) - (day_of_era / 146_096)) / 365 in
  let day_of_year = day_of_era - ((365 * year_of_era) + (year_of_era / 4) - (year_of_era / 100)) in
  let month = ((5 * day_of_year) + 2) / 153 in
  let day = day_of_year - (((153 * month) + 2) / 5) + 1 in
  let month = if month < 10 then month + 3 else month - 9 in
  let year = (era * 400) + year_of_era + if month <= 2 then 1 else 0 in
  (year, month, day)

let set_digits bytes ~at ~count number =
  let rest = ref number in
  for place = at + count - 1 downto at do
    Bytes.set bytes place (Char.chr (Char.code '0' + (!rest mod 10)));
    rest := !rest / 10
  done

let of_posix_seconds seconds =
  let year, month, day = date_of_days (seconds / seconds_per_day) in
  let second = seconds mod seconds_per_day in
  let text = Bytes.of_string "yyyy-mm-ddThh:mm:ss-00:00" in
  set_digits text ~at:0 ~count:4 year;
  set_digits text ~at:5 ~count:2 month;
  set_digits text ~at:8 ~count:2 day;
  set_digits text ~at:11 ~count:2 (second / 3600);
  set_digits text ~at:14 ~count:2 (second / 60 mod 60);
  set_digits text ~at:17 ~count:2 (second mod 60);
  Bytes.unsafe_to_string text
