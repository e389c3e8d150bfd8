"""The peer of most benchmarks: a Linux guest with Debian's kernel and BusyBox, which lives in memory."""

from bench.linux.guest import BLOCK, NETWORK, LinuxGuest, linux_guest
from labkit.build.linux.programs import program

__all__ = ["BLOCK", "NETWORK", "LinuxGuest", "linux_guest", "program"]
