"""A Linux host on a wire with guests: this machine's own network, in a namespace that ends with the test."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from labkit import Wire

ADDRESS, MAC = "10.0.0.1", "02:00:00:00:00:01"
FRAME_MOST = 65_536
SAID_MOST = 64

# Runs in the namespace: makes a TAP device, sends it here over the socket of that number, and holds the namespace.
HOLDER = f"""
import fcntl, os, socket, struct, subprocess, sys
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454CA, struct.pack("16sH22x", b"wire", 0x1002))  # TUNSETIFF: IFF_TAP | IFF_NO_PI
for words in "link set lo up", "link set wire address {MAC} up", "addr add {ADDRESS}/24 dev wire":
    subprocess.run(["ip", *words.split()], check=True)
socket.send_fds(socket.socket(fileno=int(sys.argv[1])), [b"tap"], [tap])
sys.stdin.read()
"""


class Linux:
    """The host. What it is to do in its network is given as a command.

    Args:
        wire: what it is plugged into.

    Attributes:
        said: the last frames that it sent.

    Raises:
        OSError: this machine does not allow it; the text says why.
    """

    def __init__(self, wire: Wire) -> None:
        ours, theirs = socket.socketpair()
        self._user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
        with ours, theirs:
            self._holder = subprocess.Popen(
                ["unshare", *self._user, "--net", sys.executable, "-c", HOLDER, str(theirs.fileno())],
                stdin=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[theirs.fileno()],
            )  # fmt: skip
            theirs.close()
            _, found, *_ = socket.recv_fds(ours, 8, 1)
        if not found:
            raise OSError((self._holder.communicate()[1] or b"?").decode().splitlines()[-1])
        self._tap = found[0]
        self._to_wire, from_linux = socket.socketpair()
        self._from_wire, to_linux = socket.socketpair()
        nothing, end = socket.socketpair()  # what would be behind a guest's wire
        end.close()
        splice: Any = SimpleNamespace(
            from_guest=from_linux,
            to_guest=to_linux,
            from_network=nothing,
            to_network=nothing.dup(),
            undone_on_error=nullcontext,
        )
        self.said: deque[bytes] = deque(maxlen=SAID_MOST)
        self._sending = threading.Lock()
        self._awaited: tuple[bytes, threading.Event] | None = None
        self.mac = MAC
        self._plug = wire.plug("linux-1", MAC, splice, lambda _frame, _sent: None)
        self._thread = threading.Thread(target=self._carry, name="linux")
        self._thread.start()

    def command(self, *words: str) -> list[str]:
        """What runs a command on it."""
        user = ["--user", "--preserve-credentials"] if self._user else []
        return ["nsenter", "--target", str(self._holder.pid), *user, "--net", "--", *words]

    def run(self, *words: str, timeout: float = 30) -> subprocess.CompletedProcess[bytes]:
        """Run a command on it."""
        return subprocess.run(self.command(*words), capture_output=True, timeout=timeout)

    def send(self, *frames: bytes) -> None:
        """Send frames as if they came from it."""
        data = b"".join(len(frame).to_bytes(4, "big") + frame for frame in frames)
        with self._sending:
            self._to_wire.sendall(data)

    def ask(self, frame: bytes, mark: bytes, timeout: float = 20) -> None:
        """Send a frame, and wait for one that has the mark in it."""
        event = threading.Event()
        self._awaited = (mark, event)
        self.send(frame)
        assert event.wait(timeout), f"no answer in {timeout:g} s"

    def _carry(self) -> None:
        """Frames to and from the TAP device, until the wire has gone."""
        came = bytearray()
        while True:
            ready, _, _ = select.select([self._tap, self._from_wire], [], [])
            if self._tap in ready:
                self.said.append(os.read(self._tap, FRAME_MOST))
                self.send(self.said[-1])
            if self._from_wire in ready:
                data = self._from_wire.recv(1 << 18)
                if not data:
                    return
                came += data
                while len(came) >= 4 and len(came) >= (end := 4 + int.from_bytes(came[:4], "big")):
                    self._heard(bytes(came[4:end]))
                    del came[:end]

    def _heard(self, frame: bytes) -> None:
        if self._awaited is not None and self._awaited[0] in frame:
            self._awaited[1].set()
            self._awaited = None
        try:
            os.write(self._tap, frame)
        except OSError:  # one that Linux does not take
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._plug.pull()
        self._thread.join()
        self._holder.communicate()
        os.close(self._tap)
        self._to_wire.close()
        self._from_wire.close()


@pytest.fixture
def linux() -> Iterator[Callable[[Wire], Linux]]:
    """Plugs a Linux host into a wire: ``linux(wire)``. Its address is 10.0.0.1."""
    with ExitStack() as stack:

        def plug(wire: Wire) -> Linux:
            if not Path("/dev/net/tun").exists():
                pytest.skip("this machine has no /dev/net/tun")
            try:
                return stack.enter_context(Linux(wire))
            except OSError as error:
                pytest.skip(f"this machine lets us have no network of our own: {error}")

        yield plug
