module Library = Mirage_crypto_rng

exception Unseeded_generator = Library.Unseeded_generator

module Entropy = Library.Entropy

module type Generator = sig
  type g

  val block : int
  val create : ?time:(unit -> int64) -> unit -> g
  val generate_into : g:g -> bytes -> off:int -> int -> unit
  val reseed : g:g -> string -> unit
  val accumulate : g:g -> Entropy.source -> [ `Acc of string -> unit ]
  val seeded : g:g -> bool
  val pools : int
end

type 'a generator = (module Generator with type g = 'a)

module Fortuna = struct
  module F = Library.Fortuna

  type g = F.g

  let block = F.block
  let create = F.create
  let seeded = F.seeded
  let pools = F.pools
  let generate_into ~g buffer ~off n = Cstruct.blit_to_bytes (F.generate ~g n) 0 buffer off n
  let reseed ~g seed = F.reseed ~g (Cstruct.of_string seed)

  let accumulate ~g source =
    let (`Acc feed) = F.accumulate ~g source in
    `Acc (fun entropy -> feed (Cstruct.of_string entropy))
end

type g = Generator : { state : 'a; implementation : 'a generator; strict : bool } -> g

let create (type a) ?g ?seed ?(strict = false) ?time (implementation : a generator) =
  let module G = (val implementation) in
  let state = match g with Some state -> state | None -> G.create ?time () in
  Option.iter (G.reseed ~g:state) seed;
  Generator { state; implementation; strict }

(* The default generator *)

let entropy_bytes = 64
let ns_between_seeds = 60_000_000_000L

let fresh_entropy () =
  let seed = Bytes.create entropy_bytes in
  Platform.entropy seed;
  Bytes.unsafe_to_string seed

type default = None_yet | Seeded_here of { g : g; mutable seeded_at : int64 } | Set_by_program of g

let default = ref None_yet
let set_default_generator g = default := Set_by_program g

let reseed_with (Generator { state; implementation = (module G); _ }) seed = G.reseed ~g:state seed

let default_generator () =
  let now = Platform.monotonic_ns () in
  match !default with
  | Set_by_program g -> g
  | None_yet ->
      let g = create ~seed:(fresh_entropy ()) ~time:Platform.monotonic_ns (module Fortuna) in
      default := Seeded_here { g; seeded_at = now };
      g
  | Seeded_here seeded ->
      (* A virtual machine may be copied while it runs: its copies must part ways. *)
      if Int64.compare (Int64.sub now seeded.seeded_at) ns_between_seeds > 0 then begin
        reseed_with seeded.g (fresh_entropy ());
        seeded.seeded_at <- now
      end;
      seeded.g

let or_default = function Some g -> g | None -> default_generator ()

let generate_into ?g buffer ?(off = 0) n =
  if n < 0 || off < 0 || off > Bytes.length buffer - n then
    invalid_arg "Mirage_crypto_rng.generate_into: the bytes do not fit in the buffer";
  let (Generator { state; implementation = (module G); _ }) = or_default g in
  G.generate_into ~g:state buffer ~off n

let generate ?g n =
  if n < 0 then invalid_arg "Mirage_crypto_rng.generate: a negative number of bytes";
  let buffer = Bytes.create n in
  generate_into ?g buffer n;
  Bytes.unsafe_to_string buffer

let reseed ?g seed = reseed_with (or_default g) seed

let block g =
  let (Generator { implementation = (module G); _ }) = or_default g in
  G.block

let accumulate g source =
  let (Generator { state; implementation = (module G); _ }) = or_default g in
  G.accumulate ~g:state source

let seeded g =
  let (Generator { state; implementation = (module G); _ }) = or_default g in
  G.seeded ~g:state

let pools g =
  let (Generator { implementation = (module G); _ }) = or_default g in
  G.pools

let strict g =
  let (Generator { strict; _ }) = or_default g in
  strict
