"""Run in a network namespace of its own: a process with a stack of its own, on a TAP interface.

``python tap_process.py PROGRAM``: prints a JSON object of what was seen, or ``null`` where there is no TAP.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import threading

TAP, NO_INFO = 0x0002, 0x1000  # linux/if_tun.h
TUNSETIFF, TUNSETPERSIST = 0x400454CA, 0x400454CB
SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFFLAGS = 0x8916, 0x891C, 0x8914
UP_AND_RUNNING = 0x41
OWN, GUEST = "10.0.0.1", "10.0.0.2"
PORT = 7
AMOUNT = 5_000_000
NAME = b"lab0"


def make_tap() -> None:
    """A TAP interface, up, with an address, that nobody has."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", NAME, TAP | NO_INFO))
    fcntl.ioctl(device, TUNSETPERSIST, 1)
    os.close(device)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for request, address in ((SIOCSIFADDR, OWN), (SIOCSIFNETMASK, "255.255.255.0")):
            inet = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(sock, request, struct.pack("16s16s", NAME, inet))
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH", NAME, UP_AND_RUNNING))


def echoed(data: bytes) -> bool:
    """Whether the process sends back what it is sent, both at the same time."""
    with socket.create_connection((GUEST, PORT), timeout=20) as connection:
        threading.Thread(target=connection.sendall, args=(data,), daemon=True).start()
        parts = bytearray()
        while len(parts) < len(data):
            parts += connection.recv(1 << 16)
        return bytes(parts) == data


def main(program: str) -> object:
    """What was seen."""
    without = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    try:
        make_tap()
    except OSError:
        return None
    options = [f"--interface={NAME.decode()}", f"--ipv4={GUEST}/24"]
    with subprocess.Popen(
        [program, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while "ready" not in (line := process.stdout.readline()):
            assert line, "it has ended"
        taken = subprocess.run(
            [program, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20
        )
        same = echoed(os.urandom(AMOUNT))
        process.kill()
    return {"without": without.stderr, "taken": taken.stderr, "same": same}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
