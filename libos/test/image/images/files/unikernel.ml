open Lwt.Infix

module Main (Www : Mirage_kv.RO) (Deep : Mirage_kv.RO) (Memory : Mirage_kv.RW) = struct
  let key = Mirage_kv.Key.v
  let must pp = function Ok value -> value | Error error -> Fmt.failwith "%a" pp error

  let rec show www at =
    let one = function
      | at, `Dictionary ->
          Fmt.pr "%a/@." Mirage_kv.Key.pp at;
          show www at
      | at, `Value ->
          Www.size www at >|= must Www.pp_error >>= fun size ->
          Www.digest www at >|= must Www.pp_error >|= fun digest ->
          Fmt.pr "%a %a %s@." Mirage_kv.Key.pp at Optint.Int63.pp size (Digest.to_hex digest)
    in
    Www.list www at >|= must Www.pp_error >>= Lwt_list.iter_s one

  let start www deep memory =
    show www Mirage_kv.Key.empty >>= fun () ->
    Www.get www (key "index.html") >|= must Www.pp_error >>= fun page ->
    Www.get www (key "/index.html") >|= must Www.pp_error >>= fun again ->
    Fmt.pr "%scopied: %b@." page (page != again);
    let part offset length = Www.get_partial www (key "index.html") ~offset:(Optint.Int63.of_int offset) ~length in
    part 3 5 >|= must Www.pp_error >>= fun middle ->
    part 20 100 >|= must Www.pp_error >>= fun last ->
    part 100 1 >|= must Www.pp_error >>= fun behind ->
    Fmt.pr "%S %S %S@." middle last behind;
    Www.last_modified www (key "index.html") >|= must Www.pp_error >>= fun modified ->
    Fmt.pr "modified %a@." (Ptime.pp_rfc3339 ()) modified;
    Www.get www (key "missing") >>= fun missing ->
    Www.get www (key "_static") >>= fun folder ->
    List.iter (function Ok _ -> Fmt.pr "found@." | Error error -> Fmt.pr "%a@." Www.pp_error error) [ missing; folder ];
    Deep.get deep (key "bytes") >|= must Deep.pp_error >>= fun bytes ->
    Fmt.pr "%S@." bytes;
    Memory.set memory (key "a/b") bytes >|= must Memory.pp_write_error >>= fun () ->
    Memory.get memory (key "a/b") >|= must Memory.pp_error >|= fun back ->
    Fmt.pr "%b@." (String.equal bytes back)
end
