module Net = Platform.Net

let ethernet_header = 14
let packet_most = 65_535
let most info = info.Net.mtu + ethernet_header
let size info = info.Net.header + most info
let allocate info = (Cstruct.create_unsafe (size info)).buffer

type counts = { mutable frames : int; mutable bytes : int }

let count counts length =
  counts.frames <- counts.frames + 1;
  counts.bytes <- counts.bytes + length
