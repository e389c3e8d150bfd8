open Lwt.Infix

(* What this unikernel asks of a disk beyond upstream's interface. *)
module type FLUSHED = sig
  include Mirage_block.S

  val flush : t -> (unit, write_error) result Lwt.t
end

module Main (Disk : FLUSHED) (Scratch : Mirage_block.S) = struct
  let must pp = function Ok () -> () | Error error -> failwith (Fmt.str "%a" pp error)

  let start disk scratch =
    Disk.get_info disk >>= fun info ->
    Format.printf "%a@." Mirage_block.pp_info info;
    let sector = Cstruct.create info.sector_size in
    Disk.read disk 1L [ sector ] >|= must Disk.pp_error >>= fun () ->
    Scratch.write scratch 0L [ sector ] >|= must Scratch.pp_write_error >>= fun () ->
    Disk.write disk 0L [ sector ] >|= must Disk.pp_write_error >>= fun () ->
    Disk.flush disk >|= must Disk.pp_write_error >>= fun () ->
    Disk.read disk info.size_sectors [ sector ] >|= function
    | Ok () -> print_endline "read what is not there"
    | Error error -> Format.printf "%a@." Disk.pp_error error
end
