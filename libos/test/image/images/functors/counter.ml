module type S = sig
  type t

  val next : t -> int
end

module Up = struct
  type t = int ref

  let connect first =
    Printf.printf "counting from %d\n" first;
    Lwt.return (ref (first - 1))

  let next t =
    incr t;
    !t
end

module Doubled (Counter : S) = struct
  type t = Counter.t

  let connect inner =
    print_endline "doubled";
    Lwt.return inner

  let next t = 2 * Counter.next t
end
