let initialize ?g ?sleep:_ generator =
  let seed = Bytes.create 64 in
  Platform.entropy seed;
  let seed = Bytes.unsafe_to_string seed in
  Rng.set_default_generator (Rng.create ?g ~seed ~time:(fun () -> Platform.monotonic_ns ()) generator);
  Lwt.return_unit
