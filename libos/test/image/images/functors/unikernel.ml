open Cmdliner

let first = Arg.(value & opt int 1 & info [ "first" ] ~doc:"Where to begin.")
let last = Arg.(value & opt int 4 & info [ "last" ] ~doc:"Where to stop.")

module Main (A : Counter.S) (B : Counter.S) = struct
  let rec start a b last =
    let n = A.next a in
    if n >= last then Lwt.return_unit
    else begin
      Printf.printf "%d, then %d\n" n (B.next b);
      start a b last
    end
end
