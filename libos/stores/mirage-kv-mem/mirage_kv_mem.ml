module Key = Mirage_kv.Key
module Int63 = Optint.Int63

type error = Mirage_kv.error

let pp_error = Mirage_kv.pp_error

type write_error = Mirage_kv.write_error

let pp_write_error = Mirage_kv.pp_write_error

type key = Key.t
type value = { content : string; modified : Ptime.t; digest : string Lazy.t }
type t = { now : unit -> Ptime.t; connected : Ptime.t; mutable index : value Kv_index.t }

let connect ?(now = Mirage_ptime.now) () = Lwt.return { now; connected = now (); index = Kv_index.empty }
let disconnect _ = Lwt.return_unit

(* Reading *)

let exists t key = Lwt.return (Kv_index.exists t.index key)
let list t key = Lwt.return (Kv_index.list t.index key)
let of_value t key f = Lwt.return (Result.map f (Kv_index.find t.index key))
let get t key = of_value t key (fun { content; _ } -> content)
let size t key = of_value t key (fun { content; _ } -> Int63.of_int (String.length content))

let get_partial t key ~offset ~length =
  let offset = Int63.to_int offset in
  if offset < 0 || length < 0 then invalid_arg "get_partial: a negative offset or length";
  of_value t key (fun { content; _ } ->
      let size = String.length content in
      if offset >= size then "" else String.sub content offset (min length (size - offset)))

let later time time' = if Ptime.is_later time ~than:time' then time else time'

let last_modified t key =
  match Kv_index.find t.index key with
  | Ok { modified; _ } -> Lwt.return_ok modified
  | Error (`Value_expected _) ->
      let latest latest (_, { modified; _ }) = later modified latest in
      let start = if Key.equal key Key.empty then t.connected else Ptime.min in
      Lwt.return_ok (Seq.fold_left latest start (Kv_index.below t.index key))
  | Error error -> Lwt.return_error error

let digest t key =
  match Kv_index.find t.index key with
  | Ok { digest; _ } -> Lwt.return_ok (Lazy.force digest)
  | Error (`Value_expected _) ->
      let of_one (key, { digest; _ }) = Digest.string (Key.to_string key) ^ Lazy.force digest in
      let all = Seq.map of_one (Kv_index.below t.index key) in
      Lwt.return_ok (Digest.string (String.concat "" (List.of_seq all)))
  | Error error -> Lwt.return_error error

(* Writing *)

let put t key ?(modified = t.now ()) content =
  t.index <- Kv_index.set t.index key { content; modified; digest = lazy (Digest.string content) }

let set t key content = Lwt.return (Result.map (fun () -> put t key content) (Kv_index.may_set t.index key))

let set_partial t key ~offset part =
  let offset = Int63.to_int offset in
  if offset < 0 then invalid_arg "set_partial: a negative offset";
  match Kv_index.find t.index key with
  | Error (`Not_found _) -> set t key part
  | Error error -> Lwt.return_error (error :> write_error)
  | Ok { content; _ } ->
      let size = String.length content in
      let offset = min offset size in
      let rest = min size (offset + String.length part) in
      Lwt.return_ok (put t key (String.sub content 0 offset ^ part ^ String.sub content rest (size - rest)))

let allocate t key ?last_modified size =
  let size = Int63.to_int size in
  if size < 0 then invalid_arg "allocate: a negative size";
  match Kv_index.exists t.index key with
  | Error error -> Lwt.return_error (error :> write_error)
  | Ok (Some _) -> Lwt.return_error (`Already_present key)
  | Ok None when size > Sys.max_string_length -> Lwt.return_error `No_space
  | Ok None -> Lwt.return_ok (put t key ?modified:last_modified (String.make size '\000'))

let remove t key = Lwt.return_ok (t.index <- Kv_index.remove t.index key)

let rename t ~source ~dest =
  let apply moved =
    let without = List.fold_left (fun index (source, _, _) -> Kv_index.remove index source) t.index moved in
    t.index <- List.fold_left (fun index (_, dest, value) -> Kv_index.set index dest value) without moved
  in
  Lwt.return (Result.map apply (Kv_index.move t.index ~source ~dest))

(* Comparing and printing *)

let contents t = Kv_index.fold (fun path { content; _ } rest -> (path, content) :: rest) t.index []
let equal t t' = List.equal ( = ) (contents t) (contents t')

let pp ppf t =
  let one (key, { content; modified; _ }) =
    Fmt.pf ppf "%a: %d bytes, %a@." Key.pp key (String.length content) (Ptime.pp_rfc3339 ()) modified
  in
  Seq.iter one (Kv_index.below t.index Key.empty)
