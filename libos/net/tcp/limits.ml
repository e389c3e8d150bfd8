let kib n = n * 1024
let ms n = n * 1_000_000
let seconds n = ms (n * 1000)

(* A connection *)
let receive_least = kib 64
let receive_most = kib 1024
let window_scale = 5
let send_least = kib 32
let send_most = kib 1024
let connect_attempts = 4
let accept_attempts = 4
let attempts = 10
let orphan_attempts = 7
let quick_acks = 16
let delayed_ack = ms 40
let small_segment = ms 2
let time_wait = seconds 60
let orphan_wait = seconds 60
let challenges = 10
let paws_idle = seconds (24 * 86_400)

(* A stack *)
let half_open = 512
let connections = 8192
let time_waits = 1024
let held = kib 4096
