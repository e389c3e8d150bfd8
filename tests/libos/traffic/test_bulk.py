"""Bulk over a line that loses, delays and reorders: what arrives is what was sent, both ways.

``LABKIT_TEST_FULL=1`` sends 100 MB each way, which takes many minutes; otherwise it is 1 MB.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from labkit import Wire
from labkit.build.builder import build
from labkit.build.image import Image
from labkit.guest import Guest, boot

pytestmark = [pytest.mark.live, pytest.mark.slow]

FULL = os.environ.get("LABKIT_TEST_FULL") == "1"
LENGTH = 100_000_000 if FULL else 1_000_000
PATIENCE = 7200 if FULL else 120
GIVES, TAKES = 5001, 5002
TOOK = re.compile(r"took (\d+) bytes, SHA-256 ([0-9a-f]{64})")
GUEST = "10.0.0.2"
SHARES = 20


@pytest.fixture(scope="module")
def image(root: Path) -> Image:
    """A guest that gives at one port, and takes at another."""
    return build(root / "tests" / "images" / "bulk")


@pytest.fixture(scope="module")
def stream() -> bytes:
    """What guests send: see tests/images/bulk."""
    pieces = range(-(-LENGTH // 32))
    return b"".join(hashlib.sha256(str(number).encode()).digest() for number in pieces)[:LENGTH]


def sum_of(data: bytes) -> tuple[int, str]:
    return len(data), hashlib.sha256(data).hexdigest()


def told(guest: Guest) -> tuple[int, str]:
    """What a guest says that it has taken."""
    match = guest.console.expect(TOOK, timeout=PATIENCE)
    return int(match.groups[0] or 0), match.groups[1] or ""


@contextmanager
def bad_line(guest: Guest) -> Iterator[None]:
    """Inside the block a guest's line is bad; at the end it is looked whether it was."""
    with guest.network.impair(loss=0.05, delay=0.02, reorder=0.05) as bad:
        began = time.monotonic()
        yield
        print(f"\nBulk both ways took {time.monotonic() - began:.1f} s; {bad.counts}")
        for count in bad.counts.values():
            assert 0.03 < count.lost / count.frames < 0.07
            assert 0.03 < count.reordered / count.frames < 0.07


def give(address: tuple[str, int], data: bytes) -> None:
    with socket.create_connection(address) as connection:
        connection.settimeout(PATIENCE)
        connection.sendall(data)


def take(address: tuple[str, int]) -> bytes:
    with socket.create_connection(address) as connection:
        connection.settimeout(PATIENCE)
        parts = []
        while part := connection.recv(1 << 16):
            parts.append(part)
        return b"".join(parts)


def test_with_the_host(image: Image, stream: bytes) -> None:
    """Through QEMU's own TCP, which is slow to send again what was lost: so many connections share the work."""
    share = stream[: (LENGTH if FULL else LENGTH // 10) // SHARES]
    with boot(image, arguments=[f"--bytes={len(share)}"], timeout=PATIENCE) as guest:
        guest.network.wait_for_address()
        gives, takes = (guest.network.forward(port).address for port in (GIVES, TAKES))
        with bad_line(guest), ThreadPoolExecutor(2 * SHARES) as pool:
            given = [pool.submit(give, takes, share) for _ in range(SHARES)]
            taken = [pool.submit(take, gives) for _ in range(SHARES)]
            for giving in given:
                giving.result()
                assert told(guest) == sum_of(share)
            assert {sum_of(taking.result()) for taking in taken} == {sum_of(share)}


def test_with_linux(image: Image, stream: bytes, linux: Callable[[Wire], Any]) -> None:
    """With Linux's TCP at the other end."""
    wire = Wire()
    host = linux(wire)
    with boot(
        image, arguments=[f"--bytes={LENGTH}", f"--ipv4={GUEST}/24"], network=wire, timeout=PATIENCE
    ) as guest:
        guest.console.expect("ready")
        with bad_line(guest), ThreadPoolExecutor(1) as pool:
            sending = host.command("nc", "-N", GUEST, str(TAKES))
            given = pool.submit(subprocess.run, sending, input=stream, timeout=PATIENCE, check=True)
            taken = host.run("nc", "-d", GUEST, str(GIVES), timeout=PATIENCE).stdout
            assert sum_of(taken) == sum_of(stream)
            assert told(guest) == sum_of(stream)
            given.result()


def test_between_guests(image: Image, stream: bytes) -> None:
    """With our own TCP at both ends."""
    wire = Wire()
    arguments = [f"--bytes={LENGTH}", "--ipv4=10.0.0.1/24"]
    with boot(image, arguments=arguments, network=wire, timeout=PATIENCE) as one:
        one.console.expect("ready")
        arguments = [f"--bytes={LENGTH}", f"--ipv4={GUEST}/24", "--peer=10.0.0.1"]
        with bad_line(one), boot(image, arguments=arguments, network=wire, timeout=PATIENCE) as other:
            assert told(one) == told(other) == sum_of(stream)
