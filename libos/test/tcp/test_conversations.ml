(* The core of TCP in conversation with a peer that says what the scripts say. *)

(* A connection that the peer opened, without and with options. *)
let accepted = [ "< S seq 0 win 65535 mss 1460"; "> S. seq 0 ack 1 win 65535 mss 1460"; "< . seq 1 ack 1";
  "state established" ]

(* The first segments are acknowledged at once; that is over. *)
let steady =
  let segment i = [ Printf.sprintf "< . seq %d ack 1 len 10" (1 + (10 * i)); Printf.sprintf "> . seq 1 ack %d" (11 + (10 * i)) ] in
  accepted @ List.concat (List.init 16 segment)

let connected =
  [
    "connect";
    "> S seq 0 mss 1460 scale 5 sackok ts 5000 0";
    "< S. seq 0 ack 1 mss 1460";
    "> . seq 1 ack 1";
    "state established";
  ]

let with_sack = [ "< S seq 0 win 65535 mss 1000 sackok"; "> S. seq 0 ack 1 mss 1460 sackok"; "< . seq 1 ack 1" ]

let with_timestamps =
  [ "< S seq 0 mss 1012 ts 100 0"; "> S. seq 0 ack 1 mss 1460 ts 5000 100"; "< . seq 1 ack 1 ts 100 5000";
    "state established" ]

(* Ten segments of 1000 bytes, the initial window, are under way. *)
let under_way opening = opening @ [ "write 10000" ]
  @ List.init 9 (fun i -> Printf.sprintf "> . seq %d len 1000" (1 + (1000 * i))) @ [ "> P. seq 9001 len 1000" ]
let accepted_1000 = [ "< S seq 0 win 65535 mss 1000"; "> S. seq 0 ack 1"; "< . seq 1 ack 1" ]

let opening =
  [
    ("the peer opens", accepted);
    ("this end opens", connected);
    ( "both open at once",
      [
        "connect"; "> S seq 0"; "< S seq 0 mss 1000"; "> S. seq 0 ack 1"; "state syn-received";
          "< S. seq 0 ack 1 mss 1000";
        "> . seq 1 ack 1"; "state established"; "write 10"; "> P. seq 1 len 10";
      ] );
    ( "both open at once, and the peer acknowledges plainly",
      [ "connect"; "> S seq 0"; "< S seq 0"; "> S. seq 0 ack 1"; "< . seq 1 ack 1"; "state established" ] );
    ("refused", [ "connect"; "> S seq 0"; "< R. seq 0 ack 1"; "read refused"; "state closed" ]);
    ("a reset without an acknowledgement is not believed", [ "connect"; "> S seq 0"; "< R seq 0"; "state syn-sent" ]);
    ("nor one of something else", [ "connect"; "> S seq 0"; "< R. seq 0 ack 2"; "state syn-sent" ]);
    ( "an old acknowledgement is reset, and the connection opens after all",
      [ "connect"; "> S seq 0"; "< S. seq 77 ack 500"; "> R seq 500"; "state syn-sent"; "< S. seq 0 ack 1";
        "> . seq 1 ack 1" ] );
    ( "nobody answers",
      [ "connect"; "> S seq 0"; "wait 40000" ]
      @ List.map (Printf.sprintf "> S seq 0 at %d") [ 1000; 3000; 7000; 15000 ]
      @ [ "read timeout"; "state closed" ] );
    ( "the answer to SYN is repeated",
      [ "< S seq 0"; "> S. seq 0 ack 1"; "wait 3500"; "> S. seq 0 ack 1 at 1000"; "> S. seq 0 ack 1 at 3000";
        "< . seq 1 ack 1"; "state established" ] );
    ("and given up", [ "< S seq 0"; "> S. seq 0"; "wait 60000"; "> S. seq 0"; "> S. seq 0"; "> S. seq 0";
      "> S. seq 0"; "state closed" ]);
    ("SYN comes again", [ "< S seq 0"; "> S. seq 0 ack 1"; "< S seq 0"; "> S. seq 0 ack 1"; "< . seq 1 ack 1";
      "state established" ]);
    ("a wrong acknowledgement of SYN", [ "< S seq 0"; "> S. seq 0 ack 1"; "< . seq 1 ack 2"; "> R seq 2";
      "state syn-received" ]);
    ("reset instead", [ "< S seq 0"; "> S. seq 0 ack 1"; "< R seq 1"; "state closed" ]);
    ( "the acknowledgement of SYN is lost, data comes",
      [ "< S seq 0"; "> S. seq 0 ack 1"; "< P. seq 1 ack 1 len 5"; "> . seq 1 ack 6"; "read 5" ] );
    ("data in SYN is not taken", [ "< S seq 0 len 5"; "> S. seq 0 ack 1" ]);
    ("a peer that does not say takes 536", [ "< S seq 0"; "> S. seq 0"; "< . seq 1 ack 1"; "write! 600";
      "> . seq 1 len 536"; "> P. seq 537 len 64" ]);
    ( "all options",
      [ "< S seq 0 win 1000 mss 1460 scale 7 sackok ts 9 0"; "> S. seq 0 ack 1 mss 1460 scale 5 sackok ts 5000 9";
        "< . seq 1 ack 1 win 10 ts 9 5000"; "write 5000" ]
      (* 10 << 7 is less than a segment *)
      @ [ "> . seq 1 len 1280 ts 5000 9" ] );
    ( "nobody listens", [ "< . seq 5 ack 7"; "> R seq 7"; "< P. seq 5 ack 7 len 3"; "> R seq 7"; "< R seq 5";
      "< F seq 5"; "> R. ack 6" ] );
  ]

let data =
  [
    ("a question and its answer leave in one segment", accepted
      @ [ "< P. seq 1 ack 1 len 100; read 100; write 200"; "> P. seq 1 ack 101 len 200" ]);
    ("pieces leave together", accepted @ [ "write 100; write 200; write 300"; "> P. seq 1 len 600" ]);
    ("more than a segment", accepted
      @ [ "write 4000"; "> . seq 1 len 1460"; "> . seq 1461 len 1460"; "> P. seq 2921 len 1080" ]);
    ("a message is acknowledged at once", accepted @ [ "< P. seq 1 ack 1 len 10"; "> . seq 1 ack 11" ]);
    ("one segment waits for a second", steady
      @ [ "< . seq 161 ack 1 len 1460"; "< . seq 1621 ack 1 len 1460"; "> . seq 1 ack 3081" ]);
    ("but not for long", steady @ [ "< . seq 161 ack 1 len 1460"; "wait 50"; "> . seq 1 ack 1621 at 40" ]);
    ("it rides on data", steady
      @ [ "< . seq 161 ack 1 len 1460"; "wait 39"; "write 9"; "> P. seq 1 ack 1621 len 9"; "wait 100" ]);
    ( "after a loss none waits", steady
      @ [ "< . seq 261 ack 1 len 100"; "> . ack 161"; "< . seq 161 ack 1 len 100"; "> . ack 361" ]
      @ [ "< . seq 361 ack 1 len 100"; "> . ack 461" ] );
    ( "Nagle: a second small segment waits, but less than an acknowledgement may",
      accepted @ [ "write 10"; "> P. seq 1 len 10"; "write 10"; "wait 10"; "> P. seq 11 len 10 at 2" ] );
    ("until the first is acknowledged", accepted
      @ [ "write 10"; "> P. seq 1 len 10"; "write 10"; "< . seq 1 ack 11"; "> P. seq 11 len 10" ]);
    ("the end of a long write does not wait", accepted
      @ [ "write 2000"; "> . seq 1 len 1460"; "> P. seq 1461 len 540" ]);
    ("without delay", accepted @ [ "write! 10"; "> P. seq 1 len 10"; "write! 10"; "> P. seq 11 len 10" ]);
    ("nor does the last", accepted @ [ "write 10"; "> P. seq 1 len 10"; "write 10; close"; "> FP. seq 11 len 10" ]);
    ("out of order", accepted
      @ [ "< . seq 11 ack 1 len 10"; "> . ack 1"; "read nothing"; "< . seq 1 ack 1 len 10"; "> . ack 21"; "read 20" ]);
    ( "overlapping, early and late",
      accepted
      @ [ "< . seq 11 ack 1 len 10"; "> . ack 1"; "< . seq 5 ack 1 len 30"; "> . ack 1"; "< . seq 3 ack 1 len 4";
        "> . ack 1"; "< . seq 1 ack 1 len 12"; "> . ack 35"; "read 34" ]
    );
    ("known and new", accepted
      @ [ "< P. seq 1 ack 1 len 10"; "> . ack 11"; "< P. seq 1 ack 1 len 20"; "> . ack 21"; "read 20" ]);
    ("known", accepted
      @ [ "< P. seq 1 ack 1 len 10"; "> . ack 11"; "< P. seq 1 ack 1 len 10"; "> . ack 11"; "read 10" ]);
    ("beyond the window", accepted @ [ "< P. seq 70000 ack 1 len 10"; "> . ack 1"; "read nothing" ]);
    ( "the part beyond the window",
      [ "< S seq 0 mss 1460"; "> S. seq 0 ack 1"; "< . seq 1 ack 1"; "< . seq 65531 ack 1 len 100"; "> . ack 1" ]
      @ [ "< P. seq 1 ack 1 len 65530"; "> . ack 65537 win 0"; "read 65536"; "> . ack 65537 win 65535" ] );
    ( "blocks that came are told",
      with_sack
      @ [ "< . seq 11 ack 1 len 10"; "> . ack 1 sack 11 21"; "< . seq 31 ack 1 len 10";
        "> . ack 1 sack 31 41 sack 11 21" ]
      @ [ "< . seq 21 ack 1 len 10"; "> . ack 1 sack 11 41"; "< . seq 1 ack 1 len 10"; "> . ack 41"; "read 40" ] );
  ]

let windows =
  let full = accepted @ [ "< P. seq 1 ack 1 len 65535"; "> . ack 65536 win 0" ] in
  [
    ("a full window opens with what is read", full @ [ "read 65535"; "> . seq 1 ack 65536 win 65535" ]);
    ("data for a closed window is refused, its acknowledgement counts",
      accepted
      @ [ "write 5"; "> P. seq 1 len 5"; "< . seq 1 ack 1 len 65535; < P. seq 65536 ack 1 len 1";
        "> . ack 65537 win 0" ]
      @ [ "< . seq 65537 ack 6 len 1"; "> . ack 65537 win 0"; "wait 5000" ]);
    ( "a closed window is probed, less and less often",
      accepted
      @ [ "< . seq 1 ack 1 win 0"; "write 1000"; "wait 3000" ]
      @ List.map (Printf.sprintf "> . seq 1 len 1 at %d") [ 200; 600; 1400; 3000 ]
      @ [ "< . seq 1 ack 1 win 0"; "< . seq 1 ack 1 win 5000"; "> P. seq 1 len 1000" ] );
    ( "for as long as the peer answers",
      accepted
      @ [ "< . seq 1 ack 1 win 0"; "write 1000"; "wait 26000" ]
      @ List.init 7 (fun _ -> "> . seq 1 len 1")
      @ List.concat_map
          (fun pause -> [ "< . seq 1 ack 1 win 0"; Printf.sprintf "wait %d" pause; "> . seq 1 len 1" ])
          (25_100 :: 51_200 :: List.init 20 (fun _ -> 60_000)) );
    ( "and no longer",
      accepted
      @ [ "< . seq 1 ack 1 win 0"; "write 1000"; "wait 1000000" ]
      @ List.init 10 (fun _ -> "> . seq 1 len 1")
      @ [ "> R. seq 1"; "state closed"; "read timeout" ] );
    ( "the byte of a probe may be taken",
      accepted @ [ "< . seq 1 ack 1 win 0"; "write 1000"; "wait 300"; "> . seq 1 len 1"; "< . seq 1 ack 2 win 0";
        "wait 500"; "> . seq 2 len 1" ]
      @ [ "< . seq 1 ack 3 win 3000"; "> P. seq 3 len 998" ] );
    ( "silly: a small part of the window is left alone, but not for ever",
      accepted @ [ "< . seq 1 ack 1 win 100"; "write 1000"; "wait 300"; "> . seq 1 len 100 at 200" ] );
    ( "half of what the peer ever had is not silly",
      [ "< S seq 0 win 200 mss 1460"; "> S. seq 0"; "< . seq 1 ack 1 win 200"; "write 1000"; "> . seq 1 len 200" ] );
    ( "nor does an acknowledgement that was overtaken",
      accepted
      @ [ "< P. seq 11 ack 1 len 10 win 5000"; "> . ack 1"; "< P. seq 1 ack 1 len 10 win 0"; "> . ack 21";
        "write 100"; "> P. seq 1 len 100" ]
    );
    ( "an old segment does not close the window",
      accepted @ [ "< P. seq 1 ack 1 len 10 win 5000"; "> . ack 11"; "< . seq 1 ack 1 win 0 len 1"; "> . ack 11";
        "write 100"; "> P. seq 1 len 100" ] );
  ]

let loss =
  [
    ( "a time-out, again and again",
      accepted @ [ "write 100"; "> P. seq 1 len 100"; "wait 4000" ]
      @ List.map (Printf.sprintf "> P. seq 1 len 100 at %d") [ 200; 600; 1400; 3000 ]
      @ [ "< . seq 1 ack 101"; "wait 60000" ] );
    ( "given up at last",
      accepted @ [ "write 100"; "> P. seq 1 len 100"; "wait 1000000" ] @ List.init 10 (fun _ -> "> P. seq 1 len 100")
      @ [ "state closed"; "read timeout" ] );
    ( "the time-out follows the round-trip time",
      with_timestamps
      @ [ "write 100"; "> P. seq 1 len 100 ts 5000 100"; "wait 300"; "> P. seq 1 len 100 ts 5200 100 at 200";
        "< . seq 1 ack 101 ts 101 5200" ]
      @ [ "write 100"; "> P. seq 101 len 100 ts 5300 101"; "wait 400"; "> P. seq 101 len 100" ] );
    ( "the third duplicate",
      under_way accepted_1000
      @ [ "< . seq 1 ack 1001"; "< . seq 1 ack 1001"; "< . seq 1 ack 1001"; "< . seq 1 ack 1001";
        "> . seq 1001 len 1000"; "< . seq 1 ack 10001"; "wait 5000" ] );
    ( "not the second",
      under_way accepted_1000
        @ [ "< . seq 1 ack 1001"; "< . seq 1 ack 1001"; "< . seq 1 ack 1001"; "< . seq 1 ack 10001"; "wait 5000" ] );
    ( "limited transmit",
      under_way accepted_1000
      @ [ "write 5000"; "< . seq 1 ack 1"; "> . seq 10001 len 1000"; "< . seq 1 ack 1"; "> . seq 11001 len 1000";
        "< . seq 1 ack 1"; "> . seq 1 len 1000" ] );
    ( "a partial acknowledgement (NewReno)",
      under_way accepted_1000
      @ [ "< . seq 1 ack 1"; "< . seq 1 ack 1"; "< . seq 1 ack 1"; "> . seq 1 len 1000"; "< . seq 1 ack 4001";
        "> . seq 4001 len 1000"; "< . seq 1 ack 10001"; "wait 5000" ] );
    ( "data is no duplicate",
      under_way accepted_1000
        @ [ "< . seq 1 ack 1 len 5; < . seq 6 ack 1 len 5"; "> . ack 11";
          "< . seq 11 ack 1 len 5; < . seq 16 ack 1 len 5"; "> . ack 21"; "< . seq 21 ack 10001"; "wait 1000" ] );
    ( "nor is a window",
      under_way accepted_1000
        @ [ "< . seq 1 ack 1 win 60000"; "< . seq 1 ack 1 win 59999"; "< . seq 1 ack 1 win 59998";
          "< . seq 1 ack 1 win 59997"; "< . seq 1 ack 10001"; "wait 1000" ] );
    ( "blocks tell what is lost",
      under_way with_sack
      @ [ "< . seq 1 ack 1 sack 1001 2001"; "< . seq 1 ack 1 sack 1001 3001";
        "< . seq 1 ack 1 sack 4001 5001 sack 1001 3001"; "> . seq 1 len 1000" ]
      @ [ "< . seq 1 ack 1 sack 4001 7001 sack 1001 3001"; "> . seq 3001 len 1000"; "< . seq 1 ack 10001";
        "wait 1000" ] );
    ( "after a time-out only what is missing",
      under_way with_sack
      @ [ "wait 211"; "> P. seq 9001 len 1000 at 10"; "> . seq 1 len 1000 at 210";
        "< . seq 1 ack 2001 sack 3001 10001"; "> . seq 2001 len 1000"; "< . seq 1 ack 10001"; "wait 5000" ] );
    ( "the last two are lost: a probe tells, long before the time-out",
      under_way with_sack
      @ [ "< . seq 1 ack 8001"; "wait 30"; "> P. seq 9001 len 1000 at 10"; "< . seq 1 ack 8001 sack 9001 10001" ]
      @ [ "> . seq 8001 len 1000"; "< . seq 1 ack 10001"; "wait 1000" ] );
    ( "what is sent again is lost again",
      under_way with_sack
      @ [ "write 20000"; "< . seq 1 ack 1 sack 1001 4001"; "> . seq 1 len 1000"; "< . seq 1 ack 1 sack 1001 8001" ]
      @ [ "> . seq 10001 len 1000"; "> . seq 11001 len 1000"; "< . seq 1 ack 1 sack 1001 10001"; "> . seq 12001";
        "> . seq 13001" ]
      @ [ "< . seq 1 ack 1 sack 1001 13001"; "> . seq 14001"; "> . seq 15001"; "> . seq 16001";
        "< . seq 1 ack 1 sack 1001 14001" ]
      @ [ "> . seq 1 len 1000"; "> . seq 17001" ] );
    ( "it was only overtaken: the window is as it was",
      under_way [ "< S seq 0 mss 1012 sackok ts 100 0"; "> S. seq 0"; "< . seq 1 ack 1 ts 100 5000" ]
      @ [ "wait 5"; "< . seq 1 ack 1 sack 1001 4001 ts 101 5000"; "> . seq 1 len 1000 ts 5005 101" ]
      @ [ "< . seq 1 ack 10001 ts 102 5000"; "write 40000" ]
      @ List.init 18 (fun i -> Printf.sprintf "> . seq %d len 1000" (10_001 + (1000 * i))) );
    ( "and one more must overtake for the next to be lost",
      under_way [ "< S seq 0 mss 1012 sackok ts 100 0"; "> S. seq 0"; "< . seq 1 ack 1 ts 100 5000" ]
      @ [ "wait 5"; "< . seq 1 ack 1 sack 1001 4001 ts 101 5000"; "> . seq 1 len 1000" ]
      @ [ "< . seq 1 ack 4001 ts 102 5000"; "< . seq 1 ack 4001 sack 5001 8001 ts 103 5000" ]
      @ [ "< . seq 1 ack 4001 sack 5001 9001 ts 103 5000"; "> . seq 4001 len 1000" ] );
    ( "acknowledgements have the highest number, though all is sent again",
      under_way accepted_1000
      @ [ "wait 201"; "> . seq 1 len 1000"; "< P. seq 1 ack 1 len 5"; "> . seq 10001 ack 6"; "< . seq 6 ack 10001";
        "wait 1000" ] );
    ( "no old duplicates after a time-out",
      under_way accepted_1000
      @ [ "wait 201"; "> . seq 1 len 1000"; "< . seq 1 ack 2001"; "> . seq 2001 len 1000"; "> . seq 3001 len 1000";
        "> . seq 4001 len 1000" ]
      @ [ "< . seq 1 ack 2001"; "> . seq 5001 len 1000"; "< . seq 1 ack 2001"; "> . seq 6001 len 1000";
        "< . seq 1 ack 2001"; "> . seq 7001 len 1000"; "< . seq 1 ack 10001"; "wait 5000" ] );
    ( "after a pause the window is the initial one again",
      under_way accepted_1000
      @ [ "< . seq 1 ack 10001"; "wait 1000"; "write 30000" ]
      @ List.init 10 (fun i -> Printf.sprintf "> . seq %d len 1000" (10_001 + (1000 * i)))
      @ [ "< . seq 1 ack 20001" ]
      @ List.init 18 (fun i -> Printf.sprintf "> . seq %d len 1000" (20_001 + (1000 * i))) );
    ( "the last of all is lost",
      under_way accepted_1000
        @ [ "< . seq 1 ack 9001"; "wait 300"; "> P. seq 9001 len 1000"; "< . seq 1 ack 10001"; "wait 9000" ] );
  ]

let forged =
  [
    ("a reset at the right number", accepted @ [ "< R seq 1"; "state closed"; "read reset" ]);
    ("a reset elsewhere in the window is challenged", accepted
      @ [ "< R seq 2"; "> . seq 1 ack 1"; "state established" ]);
    ("a reset outside the window", accepted @ [ "< R seq 100000"; "state established" ]);
    ("a SYN is challenged", accepted
      @ [ "< S seq 1"; "> . seq 1 ack 1"; "< S seq 777777"; "> . seq 1 ack 1"; "state established" ]);
    ("a peer that started again", accepted @ [ "< S seq 500000"; "> . seq 1 ack 1"; "< R seq 1"; "state closed" ]);
    ("an acknowledgement of what was not sent", accepted
      @ [ "< . seq 1 ack 100 len 5"; "> . seq 1 ack 1"; "read nothing" ]);
    ("a very old acknowledgement", accepted @ [ "< P. seq 1 ack -70000 len 5"; "> . seq 1 ack 1"; "read nothing" ]);
    ("no acknowledgement at all", accepted @ [ "< P seq 1 len 5"; "read nothing" ]);
    ( "not more than ten answers a second",
      accepted @ List.concat (List.init 10 (fun _ -> [ "< R seq 2"; "> . seq 1 ack 1" ]))
        @ [ "< R seq 2"; "wait 1001"; "< R seq 2"; "> . seq 1 ack 1" ] );
    ( "an old timestamp",
      with_timestamps
        @ [ "< P. seq 1 ack 1 len 5 ts 99 5000"; "> . ack 1 ts 5000 100"; "read nothing";
          "< P. seq 1 ack 1 len 5 ts 101 5000"; "> . ack 6 ts 5000 101"; "read 5" ] );
    ("timestamps wrap around", [ "< S seq 0 mss 1012 ts 4294967295 0"; "> S. seq 0";
      "< . seq 1 ack 1 ts 4294967295 5000"; "< P. seq 1 ack 1 len 5 ts 3 5000"; "> . ack 6 ts 5000 3" ]);
    ("a timestamp is missing", with_timestamps @ [ "< P. seq 1 ack 1 len 5"; "read nothing" ]);
    ("a reset needs none", with_timestamps @ [ "< R seq 1"; "state closed" ]);
    ( "a timestamp older than 24 days",
      with_timestamps @ [ "wait 2100000000"; "< P. seq 1 ack 1 len 5 ts 99 5000"; "> . ack 6"; "read 5" ] );
    ( "a retransmission's timestamp is not taken from what came out of order",
      with_timestamps
        @ [ "< P. seq 6 ack 1 len 5 ts 200 5000"; "> . ack 1 ts 5000 100"; "< P. seq 1 ack 1 len 5 ts 150 5000";
          "> . ack 11 ts 5000 150" ] );
  ]

let closing =
  let peer_closed = accepted @ [ "< F. seq 1 ack 1"; "> . seq 1 ack 2"; "state close-wait"; "read end" ] in
  let half_closed = accepted
    @ [ "shutdown"; "> F. seq 1 ack 1"; "state fin-wait-1"; "< . seq 1 ack 2"; "state fin-wait-2" ] in
  let waiting = half_closed @ [ "< F. seq 1 ack 2"; "> . seq 2 ack 2"; "state time-wait"; "read end" ] in
  [
    ("the peer, then this end", peer_closed
      @ [ "write 10"; "> P. seq 1 ack 2 len 10"; "close"; "> F. seq 11 ack 2"; "state last-ack"; "< . seq 2 ack 12";
        "state closed" ]);
    ("this end, then the peer", waiting @ [ "wait 59000"; "state time-wait"; "wait 1001"; "state closed" ]);
    ("both at once", accepted
      @ [ "close"; "> F. seq 1"; "< F. seq 1 ack 1"; "> . seq 2 ack 2"; "state closing"; "< . seq 2 ack 2";
        "state time-wait" ]);
    ("FIN with data", accepted @ [ "< FP. seq 1 ack 1 len 10"; "> . ack 12"; "read 10"; "read end" ]);
    ("FIN before data", accepted
      @ [ "< F. seq 11 ack 1 len 5"; "> . ack 1"; "read nothing"; "< . seq 1 ack 1 len 10"; "> . ack 17"; "read 15";
        "read end"; "state close-wait" ]);
    ("FIN comes again", peer_closed @ [ "< F. seq 1 ack 1"; "> . seq 1 ack 2"; "state close-wait" ]);
    ("FIN is repeated", accepted
      @ [ "close"; "> F. seq 1"; "wait 1000"; "> F. seq 1 at 200"; "> F. seq 1 at 600"; "< . seq 1 ack 2";
        "state fin-wait-2" ]);
    ("FIN behind data that is lost", accepted
      @ [ "write 10; close"; "> FP. seq 1 len 10"; "wait 300"; "> FP. seq 1 len 10"; "< F. seq 1 ack 12";
        "> . seq 12 ack 2"; "state time-wait" ]);
    ("FIN waits for the window", accepted
      @ [ "< . seq 1 ack 1 win 0"; "write 10; shutdown"; "wait 300"; "> . seq 1 len 1"; "< . seq 1 ack 2 win 100";
        "> FP. seq 2 len 9" ]);
    ("half closed, data still comes", half_closed
      @ [ "< P. seq 1 ack 2 len 10"; "> . seq 2 ack 11"; "read 10"; "< F. seq 11 ack 2"; "> . ack 12";
        "state time-wait" ]);
    ( "half closed, then closed: the peer has its time",
      half_closed @ [ "close"; "wait 59000"; "state fin-wait-2"; "wait 1001"; "state closed" ] );
    ("half closed for long", half_closed @ [ "wait 10000000"; "state fin-wait-2" ]);
    ("closed for long: the peer had its time", accepted
      @ [ "close"; "> F. seq 1"; "< . seq 1 ack 2"; "wait 59000"; "state fin-wait-2"; "wait 1001"; "state closed" ]);
    ("data for nobody", accepted
      @ [ "close"; "> F. seq 1 ack 1"; "< P. seq 1 ack 2 len 10"; "> R. seq 2"; "state closed" ]);
    ("data for nobody while the last words are not acknowledged", accepted
      @ [ "write 10; close"; "> FP. seq 1 ack 1 len 10"; "< P. seq 1 ack 1 len 10"; "> . seq 12 ack 11";
        "state fin-wait-1" ]);
    ("reading shut down", accepted @ [ "deaf"; "< P. seq 1 ack 1 len 10"; "> . ack 11"; "read end" ]);
    ("FIN again in TIME-WAIT", waiting
      @ [ "wait 50000"; "< F. seq 1 ack 2"; "> . seq 2 ack 2"; "wait 50000"; "state time-wait"; "wait 10001";
        "state closed" ]);
    ("a reset in TIME-WAIT is ignored", waiting @ [ "< R seq 2"; "state time-wait" ]);
    ("a reset of a closed direction", peer_closed @ [ "< R seq 2"; "state closed"; "read reset" ]);
    ("an orphan does not probe for ever", accepted @ [ "< . seq 1 ack 1 win 0"; "write 10; close"; "wait 400000" ]
      @ List.init 7 (fun _ -> "> . seq 1 len 1") @ [ "> R. seq 1"; "state closed" ]);
    ("nor wait for an acknowledgement", accepted @ [ "write 10; close"; "> FP. seq 1 len 10"; "wait 1000000" ]
      @ List.init 7 (fun _ -> "> FP. seq 1 len 10") @ [ "state closed" ]);
  ]

let keepalive =
  let keepalive = { Tcp.Tcb.after = 10_000_000_000; interval = 1_000_000_000; probes = 3 } in
  let play steps () = Script.play ~keepalive steps in
  [
    ("a silent peer is asked", play (accepted
      @ [ "wait 10500"; "> . seq 0 ack 1 len 0 at 10000"; "< . seq 1 ack 1"; "wait 9900"; "< . seq 1 ack 1";
        "wait 9000" ]));
    ( "and left",
      play (accepted
        @ [ "wait 20000"; "> . seq 0 at 10000"; "> . seq 0 at 11000"; "> . seq 0 at 12000"; "> R. seq 1 at 13000";
          "state closed"; "read silent" ]) );
    ("the other's probe is answered", play (accepted @ [ "< . seq 0 ack 1"; "> . seq 1 ack 1" ]));
  ]

let () =
  let case (name, steps) = Alcotest.test_case name `Quick (fun () -> Script.play steps) in
  let case' (name, test) = Alcotest.test_case name `Quick test in
  Alcotest.run "conversations"
    [
      ("opening", List.map case opening);
      ("data", List.map case data);
      ("windows", List.map case windows);
      ("loss", List.map case loss);
      ("forged", List.map case forged);
      ("closing", List.map case closing);
      ("keep-alive", List.map case' keepalive);
    ]
