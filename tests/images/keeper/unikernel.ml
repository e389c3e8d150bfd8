open Lwt.Infix
open Cmdliner

let first =
  let doc = Arg.info ~doc:"The number to begin with." [ "first" ] in
  Mirage_runtime.register_arg Arg.(value & opt int 0 doc)

module Main (Store : Mirage_kv.RW) = struct
  module Key = Mirage_kv.Key

  let keys = 40

  let must pp_error = function
    | Ok value -> value
    | Error error -> Logs.err (fun log -> log "%a" pp_error error); exit 1

  (* From none to some thousand bytes, and in each place known by the number alone. *)
  let value number = String.init (number * 97 mod 4099) (fun at -> Char.chr ((number + at) land 0xff))
  let text number = Printf.sprintf "%d:%s" number (value number)

  let number_of text =
    match String.index_opt text ':' with
    | None -> None
    | Some colon -> int_of_string_opt (String.sub text 0 colon)

  let tell store (key, _) =
    Store.get store key >|= must Store.pp_error >|= fun found ->
    match number_of found with
    | Some number when text number = found -> Printf.printf "has %s %d\n%!" (Key.basename key) number
    | Some _ | None -> Printf.printf "wrong %s %S\n%!" (Key.basename key) found

  (* One set after another, for ever; now and then a key is removed. *)
  let rec keep store number =
    let name = string_of_int (number * 7 mod keys) in
    let key = Key.v name in
    Printf.printf "setting %s %d\n%!" name number;
    (if number mod 11 = 10 then Store.remove store key else Store.set store key (text number))
    >|= must Store.pp_write_error
    >>= fun () ->
    Printf.printf "done %s %d\n%!" name number;
    keep store (number + 1)

  let start store =
    Store.list store Key.empty >|= must Store.pp_error >>= fun found ->
    Lwt_list.iter_s (tell store) found >>= fun () ->
    Printf.printf "all told\n%!";
    keep store (first ())
end
