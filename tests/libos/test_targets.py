"""The same image on each target: what it prints, what it leaves on its disk, what its servers answer."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit import Disk
from labkit.errors import UsageError
from labkit.guest import Guest

pytestmark = pytest.mark.live

ADDRESS = re.compile(r"\b\d+\.\d+\.\d+\.\d+\b")


def test_hello(place: Any, root: Path) -> None:
    said = place.transcript(root / "images" / "hello", "--hello=Grüße", "--count=3", "--pause=1")
    assert said == [*3 * ["Grüße"], "status 0"]
    told = place.transcript(root / "images" / "hello", "--holle=x")
    assert told[0] == "hello: unknown option '--holle', did you mean '--hello'?"
    assert told[-1] == "status 64"


@pytest.mark.parametrize("how", ["return", "exit", "raise", "deep"])
def test_endings(place: Any, root: Path, how: str) -> None:
    *said, status = place.transcript(root / "tests" / "images" / "ending", f"--how={how}")
    assert status == {"raise": "status 2", "exit": "status 3"}.get(how, "status 0")
    assert how != "raise" or any("Fatal error: exception" in line for line in said)


def test_block(place: Any, root: Path, tmp_path: Path) -> None:
    """Each place finds what it wrote before, and writes the same bytes."""
    disk = Disk.create(tmp_path / "disk.img", "64 KiB").path
    image = root / "images" / "block"
    wrote = place.transcript(image, "--sector=3", "--write=still here", disks={"storage": disk})
    found = place.transcript(image, "--sector=3", disks={"storage": disk})
    assert wrote[-1] == found[-1] == "status 0"
    assert 'found in sector 3: "still here"' in found
    assert disk.read_bytes() == bytes(3 * 512) + b"still here".ljust(512, b"\0") + bytes(124 * 512)


def test_store(place: Any, root: Path, tmp_path: Path) -> None:
    disk = Disk.create(tmp_path / "store.img", "1 MiB").path
    image = root / "images" / "store"
    assert place.transcript(image, "--set=a=1", "--set=b=zwei", disks={"storage": disk}) == [
        "a = 1",
        "b = zwei",
        "status 0",
    ]
    assert place.transcript(image, "--get=b", disks={"storage": disk}) == ["b = zwei", "status 0"]


def test_network(place: Any, root: Path) -> None:
    """The same command line, and the same words to the same client."""
    with place.boot(root / "images" / "network", "--port=4000", *place.network) as guest:
        guest.console.expect("listening on port 4000", timeout=60)
        place.wait_for_address(guest)
        with socket.create_connection(guest.network.forward(4000).address, timeout=20) as client:
            client.sendall(b"over and out")
        guest.console.expect('heard "over and out"', timeout=20)
        guest.stop()
        said = [line.partition("[application] ")[2] for line in guest.console.text().splitlines()]
    assert [ADDRESS.sub("ADDRESS", line) for line in said if line] == [
        "listening on port 4000",
        "a connection from ADDRESS",
        'heard "over and out"',
    ]


# ---------------------------------------------------------------- connections


@pytest.fixture
def services(place: Any, root: Path) -> Iterator[Guest]:
    """A guest with an echo on TCP and UDP 7, somebody silent on 9, somebody who closes on 13."""
    with place.boot(root / "tests" / "images" / "services", *place.network) as guest:
        guest.console.expect("ready", timeout=60)
        place.wait_for_address(guest)
        yield guest
        assert guest.exit is None, guest.console.last_words()


def received(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def test_much_both_ways(services: Guest) -> None:
    """More than all buffers hold, so that each side waits for the other."""
    data = bytes(range(256)) * 40_000
    with socket.create_connection(services.network.forward(7).address, timeout=30) as connection:

        def send() -> None:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        assert received(connection) == data
        sender.join()


def test_who_closes_first(services: Guest) -> None:
    with socket.create_connection(services.network.forward(13).address, timeout=20) as connection:
        assert connection.recv(1) == b""
        connection.close()
    with socket.create_connection(services.network.forward(9).address, timeout=20) as connection:
        connection.sendall(b"x" * 100_000)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def test_a_reset_is_borne(services: Guest) -> None:
    forward = services.network.forward(7)
    for _ in range(20):
        with socket.create_connection(forward.address, timeout=20) as connection:
            connection.sendall(b"x" * 10_000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with socket.create_connection(forward.address, timeout=20) as connection:
        connection.sendall(b"still there?")
        assert connection.recv(12, socket.MSG_WAITALL) == b"still there?"


def test_datagrams(services: Guest, place: Any) -> None:
    if place.host is not None:
        pytest.skip("SSH leads TCP only")
    forward = services.network.forward(7, protocol="udp")
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(20)
        for size in (1, 600, 1400):
            sock.sendto(b"d" * size, forward.address)
            assert sock.recvfrom(2000) == (b"d" * size, forward.address)


def test_it_connects(place: Any, root: Path) -> None:
    """A client's connection to a port of this machine, where nobody listens."""
    if not place.machine:
        pytest.skip("it cannot be reached from there")
    with place.boot(root / "tests" / "images" / "services", f"--call={place.machine}") as guest:
        guest.console.expect("call failed: the connection was refused", timeout=20)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"memory": 1}, "too small"),
        ({"forward": {8080: 70_000}}, "70000 is no port"),
        ({"timeout": -1.0}, "makes no sense"),
    ],
)
def test_what_cannot_be(place: Any, root: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        place.boot(root / "images" / "web", **options)


def test_a_port_in_use(place: Any, root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port} of this machine is in use"):
            place.boot(root / "images" / "web", forward={port: 80})
