type part =
  | Kept of Record.extent
  | New of { length : int; crc : int option; fill : offset:int -> Cstruct.t -> (unit, Device.error) result Lwt.t }

type t = Put of { path : string; time : Record.time; parts : part list } | Remove of string

let text string =
  let fill ~offset buffer =
    Cstruct.blit_from_string string offset buffer 0 (Cstruct.length buffer);
    Lwt.return_ok ()
  in
  New { length = String.length string; crc = None; fill }

let zeros length =
  let fill ~offset:_ buffer =
    Cstruct.memset buffer 0;
    Lwt.return_ok ()
  in
  New { length; crc = None; fill }

let moved window ({ Record.length; crc; _ } as extent) =
  let fill ~offset buffer =
    Device.bind (Window.view_extent window extent) (fun bytes ->
        Cstruct.blit bytes offset buffer 0 (Cstruct.length buffer);
        Lwt.return_ok ())
  in
  New { length; crc = Some crc; fill }

let room layout = Layout.frame_bytes layout - Frame.header_size
let most_inline layout path = room layout - Record.value_size path
let most_in_chunk layout = room layout - Record.chunk_size

(* How many extents the parts become, and how many bytes are to be written for them. *)
let totals layout parts =
  let most = most_in_chunk layout in
  let of_part (count, sum) = function
    | Kept _ -> (count + 1, sum)
    | New { length; _ } ->
        let chunks = (length + most - 1) / most in
        (count + chunks, sum + length + (chunks * Record.chunk_size))
  in
  List.fold_left of_part (0, 0) parts

let fits layout path parts = Record.extents_size path (fst (totals layout parts)) <= room layout

let bytes layout = function
  | Remove path -> Record.size (Remove { path })
  | Put { path; parts; _ } ->
      let count, sum = totals layout parts in
      sum + Record.extents_size path count

(* A frame is closed when the next piece does not fit, so that two neighbours together are longer than one can be. Each has
   a header, and less than a sector that stays empty. *)
let sectors layout bytes =
  let frames = 2 + (2 * bytes / room layout) in
  Layout.sectors_of layout (bytes + (frames * Frame.header_size)) + frames
