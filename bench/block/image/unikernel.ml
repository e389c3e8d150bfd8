open Lwt.Infix

module type FLUSHED = sig
  include Mirage_block.S

  val flush : t -> (unit, write_error) result Lwt.t
end

module Main (Storage : FLUSHED) = struct
  let depth_most = 64
  let size_most = 1 lsl 20
  let buffers = Array.init depth_most (fun _ -> lazy (Cstruct.create size_most))
  let must pp = function Ok () -> () | Error error -> failwith (Fmt.str "%a" pp error)

  (* xorshift *)
  let random =
    let state = ref 88172645463325252 in
    fun () ->
      state := !state lxor (!state lsl 13);
      state := !state lxor (!state lsr 7);
      state := !state lxor (!state lsl 17);
      !state land max_int

  let request = function
    | "read" -> fun storage sector buffer -> Storage.read storage sector [ buffer ] >|= must Storage.pp_error
    | "write" -> fun storage sector buffer -> Storage.write storage sector [ buffer ] >|= must Storage.pp_write_error
    | "flushed" ->
        fun storage sector buffer ->
          Storage.write storage sector [ buffer ] >|= must Storage.pp_write_error >>= fun () ->
          Storage.flush storage >|= must Storage.pp_write_error
    | kind -> failwith ("no such kind: " ^ kind)

  let measure storage { Mirage_block.sector_size; size_sectors; _ } kind order size depth count =
    let sectors = size / sector_size in
    let slots = Int64.to_int size_sectors / sectors in
    let place number = (if order = "random" then random () else number) mod slots * sectors in
    let request = request kind and begun = ref 0 in
    let rec work buffer =
      if !begun = count then Lwt.return_unit
      else begin
        let sector = Int64.of_int (place !begun) in
        incr begun;
        request storage sector buffer >>= fun () -> work buffer
      end
    in
    let buffers = List.init depth (fun i -> Cstruct.sub (Lazy.force buffers.(i)) 0 size) in
    List.iteri (fun i buffer -> Cstruct.memset buffer (i + 1)) buffers;
    let start = Mirage_mtime.elapsed_ns () in
    Lwt.join (List.map work buffers) >|= fun () ->
    Printf.printf "took %Ld\n%!" (Int64.sub (Mirage_mtime.elapsed_ns ()) start)

  let start storage =
    Storage.get_info storage >>= fun info ->
    let rec serve () =
      match read_line () with
      | exception End_of_file -> Lwt.return_unit
      | command -> Scanf.sscanf command "%s %s %d %d %d" (measure storage info) >>= serve
    in
    print_endline "ready";
    serve ()
end
