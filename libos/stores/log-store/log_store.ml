open Lwt.Infix
module Key = Mirage_kv.Key
module Int63 = Optint.Int63

type error = Problem.error
type write_error = Problem.write_error
type connect_error = Problem.connect_error

let pp_connect_error = Problem.pp_connect_error

type space = { keys : int; used : int; capacity : int }

module Make (Block : Flushed_block.S) = struct
  type nonrec error = error

  let pp_error = Problem.pp_error

  type nonrec write_error = write_error

  let pp_write_error = Problem.pp_write_error

  type key = Key.t
  type t = { committer : Committer.t; read_write : bool; mutable connected : bool }

  let connect ?(now = Mirage_ptime.now) block =
    Device.connect (module Block) block >>= fun device ->
    Opening.connect ~now:(now ()) device >|= fun opened ->
    let store (log, contents) =
      { committer = Committer.make ~now log contents; read_write = device.read_write; connected = true }
    in
    Result.map store opened

  let disconnect t =
    t.connected <- false;
    Committer.idle t.committer

  (* Reading *)

  let index t = (Committer.contents t.committer).index
  let looked_up t f = Lwt.return (if t.connected then (f (index t) :> ('a, error) result) else Error `Disconnected)
  let exists t key = looked_up t (fun index -> Kv_index.exists index key)
  let list t key = looked_up t (fun index -> Kv_index.list index key)
  let find t key = if t.connected then (Kv_index.find (index t) key :> (Entry.t, error) result) else Error `Disconnected

  let part t key ~offset ~length =
    Reading.part (Committer.log t.committer) ~find:(fun () -> find t key) key ~offset ~length

  let get t key = part t key ~offset:0 ~length:max_int

  let get_partial t key ~offset ~length =
    let offset = Int63.to_int offset in
    if offset < 0 || length < 0 then invalid_arg "get_partial: a negative offset or length";
    part t key ~offset ~length

  let digest t key = get t key >|= Result.map Digest.string
  let size t key = Lwt.return (Result.map (fun { Entry.size; _ } -> Int63.of_int size) (find t key))

  let last_modified t key =
    Lwt.return (Result.map (fun entry -> Record.ptime (Entry.time entry)) (find t key))

  (* Writing *)

  let ask t operation =
    if not t.connected then Lwt.return_error `Disconnected
    else if not t.read_write then Lwt.return_error `Read_only
    else Committer.ask t.committer operation

  let set t key value = ask t (Set (key, value))

  let set_partial t key ~offset part =
    let offset = Int63.to_int offset in
    if offset < 0 then invalid_arg "set_partial: a negative offset";
    ask t (Set_partial (key, offset, part))

  let allocate t key ?last_modified size =
    let size = Int63.to_int size in
    if size < 0 then invalid_arg "allocate: a negative size";
    ask t (Allocate (key, Option.map Record.time last_modified, size))

  let remove t key = ask t (Remove key)
  let rename t ~source ~dest = ask t (Rename { source; dest })

  let space t =
    let { Contents.keys; used; _ } = Committer.contents t.committer in
    let layout = (Committer.log t.committer).ring.layout in
    { keys; used; capacity = Space.capacity layout }
end
