external sum :
  Cstruct.buffer -> (int[@untagged]) -> (int[@untagged]) -> (int[@untagged])
  = "unikernel_checksum_sum_byte" "unikernel_checksum_sum"
  [@@noalloc]

(* Sums are those of the words in this machine's byte order, which is folded away at the end: swapping the bytes of all
   words swaps those of the sum. *)
let swapped word = ((word land 0xff) lsl 8) lor (word lsr 8)
let of_buffer { Cstruct.buffer; off; len } = sum buffer off len

let add a b =
  let total = a + b in
  (total land 0xffff) + (total lsr 16)

let finish total = swapped (lnot total land 0xffff)
let ones_complement buffer = finish (of_buffer buffer)

(* A buffer that begins at an odd place has its bytes in the other halves of the words. *)
let ones_complement_list buffers =
  let rec total so_far odd = function
    | [] -> so_far
    | buffer :: rest ->
        let own = of_buffer buffer in
        let so_far = add so_far (if odd then swapped own else own) in
        total so_far (odd <> (Cstruct.length buffer land 1 = 1)) rest
  in
  finish (total 0 false buffers)
