type t = {
  head_bytes : int;
  fields : int;
  body_bytes : int;
  connections : int;
  head_seconds : int;
  idle_seconds : int;
  body_seconds : int;
  write_seconds : int;
}

let default =
  {
    head_bytes = 1 lsl 14;
    fields = 100;
    body_bytes = 1 lsl 22;
    connections = 1024;
    head_seconds = 10;
    idle_seconds = 60;
    body_seconds = 30;
    write_seconds = 30;
  }

let piece_bytes = 1 lsl 16
