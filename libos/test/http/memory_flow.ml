type error = [ `Lost ]

let pp_error ppf `Lost = Fmt.string ppf "the connection is lost"

type write_error = [ Mirage_flow.write_error | `Lost ]

let pp_write_error ppf = function
  | #Mirage_flow.write_error as error -> Mirage_flow.pp_write_error ppf error
  | `Lost -> pp_error ppf `Lost

type read = (Cstruct.t Mirage_flow.or_eof, error) result

type flow = {
  arrived : read Queue.t;
  mutable reader : read Lwt.u option;
  written : Buffer.t;
  mutable writes : int;
  mutable stalled : bool;
  mutable broken : bool;
  mutable forgotten : bool;
  mutable shut : bool;
  mutable closed : bool;
}

let create () =
  {
    arrived = Queue.create ();
    reader = None;
    written = Buffer.create 80;
    writes = 0;
    stalled = false;
    broken = false;
    forgotten = false;
    shut = false;
    closed = false;
  }

let check t = if t.forgotten then raise Not_found
let forget t = t.forgotten <- true

let read t =
  check t;
  if t.reader <> None then begin
    prerr_endline "Two readers of one flow.";
    exit 1
  end;
  match Queue.peek_opt t.arrived with
  | Some (Ok (`Data _)) -> Lwt.return (Queue.pop t.arrived)
  | Some ended -> Lwt.return ended
  | None ->
      let promise, resolver = Lwt.wait () in
      t.reader <- Some resolver;
      promise

let arrive t read =
  match t.reader with
  | None -> Queue.push read t.arrived
  | Some resolver ->
      t.reader <- None;
      (match read with Ok (`Data _) -> () | ended -> Queue.push ended t.arrived);
      Lwt.wakeup resolver read

let write t buffer =
  check t;
  t.writes <- t.writes + 1;
  if t.broken then Lwt.return_error `Lost
  else if t.shut || t.closed then Lwt.return_error `Closed
  else if t.stalled then fst (Lwt.wait ())
  else begin
    Buffer.add_string t.written (Cstruct.to_string buffer);
    Lwt.return_ok ()
  end

let writev t buffers = write t (Cstruct.concat buffers)

let shutdown t = function
  | `read -> Lwt.return_unit
  | `write | `read_write ->
      t.shut <- true;
      Lwt.return_unit

let close t =
  check t;
  t.closed <- true;
  Lwt.return_unit

let send t text = if text <> "" then arrive t (Ok (`Data (Cstruct.of_string text)))
let finish t = arrive t (Ok `Eof)

let received t =
  let text = Buffer.contents t.written in
  Buffer.clear t.written;
  text

let writes t = t.writes
let stall t = t.stalled <- true

let break t =
  t.broken <- true;
  arrive t (Error `Lost)

let is_closed t = t.closed
let is_read t = t.reader <> None
