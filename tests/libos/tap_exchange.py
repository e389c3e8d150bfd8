"""Run in a network namespace of its own: a guest on a TAP device, frames as large as both ends like, TCP with it.

``python tap_exchange.py IMAGE CONSOLE``: prints a JSON object of what was seen, or ``null`` where there is no TAP.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time

TAP, VNET_HEADER, NO_INFO = 0x0002, 0x4000, 0x1000  # linux/if_tun.h
TUNSETIFF = 0x400454CA
SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFFLAGS = 0x8916, 0x891C, 0x8914
UP_AND_RUNNING = 0x41
ETH_P_ALL = 3
NAME = b"tap0"
OWN, GUEST = "10.0.0.1", "10.0.0.2"
PORT = 7  # its stack sends everything back
AMOUNT = 30_000_000
FRAME_MOST = 1514
TEN_MINUTES = 600


def tap() -> int:
    """A TAP device, up, with an address; QEMU's end of it."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", NAME, TAP | NO_INFO | VNET_HEADER))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for request, address in ((SIOCSIFADDR, OWN), (SIOCSIFNETMASK, "255.255.255.0")):
            inet = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(sock, request, struct.pack("16s16s", NAME, inet))
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH", NAME, UP_AND_RUNNING))
    return device


class Watcher(threading.Thread):
    """Sees how long the frames are that pass, by direction."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.longest = {"in": 0, "out": 0}
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._sock.bind((NAME.decode(), 0))

    def run(self) -> None:
        """Look until the program ends."""
        while True:
            frame, (_, _, kind, *_) = self._sock.recvfrom(70_000)
            way = "out" if kind == socket.PACKET_OUTGOING else "in"  # type: ignore[attr-defined]
            self.longest[way] = max(self.longest[way], len(frame))


def connect(guest: subprocess.Popen[bytes]) -> socket.socket:
    """A connection, as soon as the guest takes one."""
    end = time.monotonic() + TEN_MINUTES
    while True:
        try:
            return socket.create_connection((GUEST, PORT), timeout=1)
        except OSError:
            if guest.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.01)


def exchange(sock: socket.socket) -> bool:
    """Send bytes and get them back: whether they are the same."""
    data = random.Random(5).randbytes(AMOUNT)  # noqa: S311
    sock.settimeout(TEN_MINUTES)

    def send() -> None:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    back = hashlib.sha256()
    while part := sock.recv(1 << 20):
        back.update(part)
    sender.join()
    return back.digest() == hashlib.sha256(data).digest()


def datagrams() -> bool:
    """Have datagrams come back, whose checksums this machine leaves to the interface: whether they do."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(20)
        sock.connect((GUEST, PORT))
        for size in (1, 100, 600, 1472):
            data = random.Random(size).randbytes(size)  # noqa: S311
            sock.send(data)
            if sock.recv(2000) != data:
                return False
    return True


def main(image: str, console: str) -> dict[str, object] | None:
    """Boot the guest, talk with it, and tell."""
    try:
        device = tap()
    except OSError:
        return None
    watcher = Watcher()
    watcher.start()
    guest = subprocess.Popen(
        [
            *("qemu-system-x86_64", "-M", "pc", "-cpu", "max", "-m", "64", "-nodefaults", "-no-user-config"),
            *("-display", "none", "-bios", "/usr/share/qemu/qboot.rom", "-serial", f"file:{console}"),
            *("-kernel", image, "-append", f"--ipv4={GUEST}/24", "-netdev", f"tap,id=net,fd={device}"),
            *("-device", "virtio-net-pci,disable-legacy=on,netdev=net,addr=0x10,romfile="),
        ],
        stdin=subprocess.DEVNULL,
        pass_fds=[device],
    )
    try:
        with connect(guest) as sock:
            same = exchange(sock)
        came_back = datagrams()
    finally:
        guest.kill()
        guest.wait()
    return {"same": same, "came_back": came_back, "longest": watcher.longest}


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
