open Lwt.Infix

type error = [ `Disk of string ]

type t = {
  read_write : bool;
  sector_size : int;
  sectors : int;
  read : int -> Cstruct.t list -> (unit, error) result Lwt.t;
  write : int -> Cstruct.t list -> (unit, error) result Lwt.t;
  flush : unit -> (unit, error) result Lwt.t;
}

let bind promise f = promise >>= function Ok value -> f value | Error _ as error -> Lwt.return error

let connect (type a) (module Block : Flushed_block.S with type t = a) (block : a) =
  let words pp promise = promise >|= Result.map_error (fun error -> `Disk (Fmt.str "%a" pp error)) in
  Block.get_info block >|= fun { Mirage_block.read_write; sector_size; size_sectors } ->
  {
    read_write;
    sector_size;
    sectors = Int64.to_int size_sectors;
    read = (fun sector buffers -> words Block.pp_error (Block.read block (Int64.of_int sector) buffers));
    write = (fun sector buffers -> words Block.pp_write_error (Block.write block (Int64.of_int sector) buffers));
    flush = (fun () -> words Block.pp_write_error (Block.flush block));
  }
