"""Fixtures for tests of the library OS in real guests: images of tests/images, built and booted."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from labkit.build.builder import build
from labkit.guest import Exit, Guest, boot

Booter = Callable[..., Guest]

QBOOT = "/usr/share/qemu/qboot.rom"
SOCKET_BYTES = 1 << 21
FRAME_MOST = 65_536


@pytest.fixture
def start(root: Path) -> Iterator[Booter]:
    """Build an image of tests/images and boot it: ``start("ending", "--how=exit", memory=16)``."""
    with ExitStack() as stack:

        def start(name: str, *arguments: str, memory: int | None = None) -> Guest:
            image = build(root / "tests" / "images" / name)
            return stack.enter_context(boot(image, arguments=arguments, memory=memory, timeout=60))

        yield start


@pytest.fixture
def end_of(start: Booter) -> Callable[..., tuple[Exit, str]]:
    """The same, until it has ended: how, and all that it printed."""

    def end_of(name: str, *arguments: str, memory: int | None = None) -> tuple[Exit, str]:
        guest = start(name, *arguments, memory=memory)
        return guest.wait(timeout=60), guest.console.text()

    return end_of


class Wire:
    """A wire between a test and a guest: frames out and in, and the guest's console.

    Args:
        near: the socket to send and receive with.
        console: the file of what the guest prints.
        process: its QEMU.
    """

    def __init__(self, near: socket.socket, console: Path, process: subprocess.Popen[bytes]) -> None:
        self._near, self._console, self._process = near, console, process

    def send(self, *frames: Packet | bytes) -> None:
        """Send frames."""
        for frame in frames:
            self._near.send(bytes(frame))

    def receive(self, matches: Callable[[Packet], Any], timeout: float = 20.0) -> Packet:
        """The next frame for which ``matches`` is true; those before it are thrown away."""
        found = self.receive_if_any(matches, timeout)
        assert found is not None, f"no such frame in {timeout} s\n{self.printed()}"
        return found

    def receive_if_any(self, matches: Callable[[Packet], Any], timeout: float) -> Packet | None:
        """The same, or None where there is none in time."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            self._near.settimeout(left)
            try:
                frame = Ether(self._near.recv(FRAME_MOST))
            except TimeoutError:
                break
            if matches(frame):
                return frame
        return None

    def ask(self, frame: Packet, matches: Callable[[Packet], Any], timeout: float = 20.0) -> Packet:
        """Send a frame and wait for what answers it."""
        self.send(frame)
        return self.receive(matches, timeout)

    def printed(self) -> str:
        """What the guest has printed so far."""
        return self._console.read_text(errors="replace")

    def expect(self, text: str, timeout: float = 20.0) -> None:
        """Wait until the guest has printed a text."""
        end = time.monotonic() + timeout
        ended = False
        while text not in self.printed():
            assert not ended, f"the guest has ended:\n{self.printed()}"
            assert time.monotonic() < end, f"the guest did not print {text!r}:\n{self.printed()}"
            ended = self._process.poll() is not None
            time.sleep(0.01)  # a file has no events


@contextmanager
def _wires(
    image: Path, arguments: tuple[str, ...], macs: Sequence[str], folder: Path
) -> Iterator[list[Wire]]:
    """Boot an image whose network interfaces are pairs of Unix sockets of QEMU's, each datagram a frame."""
    console = folder / "console"
    console.touch()
    command = [
        *("qemu-system-x86_64", "-M", "pc", "-cpu", "max", "-m", "32", "-nodefaults", "-no-user-config"),
        *("-display", "none", "-bios", QBOOT, "-serial", f"file:{console}"),
        *("-kernel", str(image), "-append", " ".join(arguments)),
    ]
    with ExitStack() as stack:
        ends = []
        for number, mac in enumerate(macs):
            near_path, far_path = folder / f"near{number}", folder / f"far{number}"
            near = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            near.bind(str(near_path))
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                near.setsockopt(socket.SOL_SOCKET, option, SOCKET_BYTES)
            ends.append((near, far_path))
            paths = f"local.type=unix,local.path={far_path},remote.type=unix,remote.path={near_path}"
            device = f"netdev=wire{number},addr={0x10 + number:#x},romfile=,mac={mac}"
            command += ["-netdev", f"dgram,id=wire{number},{paths}"]
            command += ["-device", f"virtio-net-pci,disable-legacy=on,{device}"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            for near, far_path in ends:
                while not far_path.exists():
                    assert process.poll() is None, "QEMU did not start"
                    time.sleep(0.005)  # until QEMU has bound its socket
                near.connect(str(far_path))
            yield [Wire(near, console, process) for near, _ in ends]
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def wires(root: Path, tmp_path: Path) -> Iterator[Callable[..., list[Wire]]]:
    """Build an image and boot it with a wire for each MAC address: ``wires("images/network", macs=[…])``."""
    with ExitStack() as stack:

        def wires(image: str, *arguments: str, macs: Sequence[str]) -> list[Wire]:
            folder = tmp_path / f"guest{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            return stack.enter_context(_wires(build(root / image).path, arguments, macs, folder))

        yield wires


@pytest.fixture
def wired(wires: Callable[..., list[Wire]]) -> Callable[..., Wire]:
    """The same with one wire: ``wired("images/network", "--ipv4=10.0.0.2/24", mac=…)``."""

    def wired(image: str, *arguments: str, mac: str) -> Wire:
        return wires(image, *arguments, macs=[mac])[0]

    return wired
