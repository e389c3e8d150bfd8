"""Networks of guests: forwards, captures, reachability, bad lines, wires between guests."""

from labkit.guest.network.capture import Capture, Frame
from labkit.guest.network.forward import Forward
from labkit.guest.network.impairment import Impairment
from labkit.guest.network.network import Network
from labkit.guest.network.wire import Wire

__all__ = ["Capture", "Forward", "Frame", "Impairment", "Network", "Wire"]
