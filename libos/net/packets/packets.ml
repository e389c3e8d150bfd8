let packet_most = 65_535

let put packet ~at ~size fill payload =
  let copy at part =
    let length = Cstruct.length part in
    Cstruct.blit part 0 packet at length;
    at + length
  in
  let used = if size = 0 then 0 else fill (Cstruct.sub packet at size) in
  List.fold_left copy (at + used) payload

let content ~size fill payload =
  let buffer = Cstruct.create (size + Cstruct.lenv payload) in
  Cstruct.sub buffer 0 (put buffer ~at:0 ~size fill payload)

let in_pieces ~step content send =
  let step = step / 8 * 8 and length = Cstruct.length content in
  let rec send_from offset =
    let piece = Cstruct.sub content offset (min step (length - offset)) in
    let next = offset + Cstruct.length piece in
    let more = next < length in
    Lwt.bind (send ~offset ~more piece) (function
      | Ok () when more -> send_from next
      | result -> Lwt.return result)
  in
  send_from 0
