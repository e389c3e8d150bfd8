external sum_of :
  Cstruct.buffer -> (int[@untagged]) -> (int[@untagged]) -> (int[@untagged])
  = "unikernel_checksum_sum_byte" "unikernel_checksum_sum"
  [@@noalloc]

(* Of the words in this machine's byte order, which is put right at the end: swapping the bytes of all words swaps those
   of the sum. *)
type sum = int

let swapped word = ((word land 0xff) lsl 8) lor (word lsr 8)
let word n = swapped (n land 0xffff)
let sum { Cstruct.buffer; off; len } = sum_of buffer off len

let add a b =
  let total = a + b in
  (total land 0xffff) + (total lsr 16)

(* A buffer that begins at an odd place has its bytes in the other halves of the words. *)
let sum_list buffers =
  let rec total so_far odd = function
    | [] -> so_far
    | buffer :: rest ->
        let own = sum buffer in
        let so_far = add so_far (if odd then swapped own else own) in
        total so_far (odd <> (Cstruct.length buffer land 1 = 1)) rest
  in
  total 0 false buffers

let checksum sum = swapped (lnot sum land 0xffff)
let ones_complement buffer = checksum (sum buffer)
let ones_complement_list buffers = checksum (sum_list buffers)
