"""Frames of all sorts, from noise to real ones that are spoilt, sent into a web server at work.

Afterwards it serves as before, from as much memory. ``LABKIT_TEST_FULL=1`` sends a million, else it is 10,000.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether

from labkit import Wire
from labkit.build.builder import build
from labkit.guest import boot

pytestmark = [pytest.mark.live, pytest.mark.slow]

FRAMES = 1_000_000 if os.environ.get("LABKIT_TEST_FULL") == "1" else 10_000
BATCH = 100  # fewer than the guest has buffers for
GUEST, LINUX = "10.0.0.2", "10.0.0.1"
MORE_HEAP = 1 << 20
KINDS = (b"\x08\x00", b"\x08\x06", b"\x86\xdd")
ICMP4, TRANSPORTS = 1, {1: 2, 6: 16, 17: 6, 58: 2}  # where their checksums are


def sum_of(data: bytes) -> int:
    """The checksum of the Internet (RFC 1071), byte by byte as in memory."""
    total = sum(array("H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def right(spoilt: bytes) -> bytes:
    """The frame with lengths and checksums that are right, so that what is wrong is looked at."""
    frame = bytearray(spoilt)
    kind, there = bytes(frame[12:14]), len(frame) - 14
    if kind == KINDS[0] and there >= 20:
        header = max(20, min(there, 4 * (frame[14] & 15)))
        frame[16:18] = there.to_bytes(2)
        frame[24:26] = bytes(2)
        frame[24:26] = sum_of(frame[14 : 14 + header]).to_bytes(2, "little")
        fragment = int.from_bytes(frame[20:22]) & 0x3FFF
        protocol, begin, ends = 0 if fragment else frame[23], 14 + header, frame[26:34]
    elif kind == KINDS[2] and there >= 40:
        frame[18:20] = (there - 40).to_bytes(2)
        protocol, begin, ends = frame[20], 54, frame[22:54]
    else:
        return spoilt
    at = begin + TRANSPORTS.get(protocol, len(frame))
    if at + 2 <= len(frame):
        length = len(frame) - begin
        pseudo = b"" if protocol == ICMP4 else bytes(ends) + bytes([0, protocol]) + length.to_bytes(2)
        frame[at : at + 2] = bytes(2)
        frame[at : at + 2] = sum_of(pseudo + frame[begin:]).to_bytes(2, "little")
    return bytes(frame)


class Storm:
    """Frames for a guest.

    Args:
        mac: its hardware address.
        real: frames that it got.
        recent: those that it has got just now, which fit its connections.
    """

    def __init__(self, mac: bytes, real: Sequence[bytes], recent: Sequence[bytes]) -> None:
        self._mac, self._real, self._recent = mac, real, recent
        self._chance = random.Random(11)  # noqa: S311  the same choices each time

    def frame(self) -> bytes:
        """The next."""
        chance = self._chance
        what = chance.randrange(20)
        if what == 0:
            return chance.randbytes(chance.randrange(1, 1600))
        if what == 1:
            ethernet = self._mac + chance.randbytes(6) + chance.choice(KINDS)
            return ethernet + chance.randbytes(chance.randrange(200))
        frame = bytearray(chance.choice(self._recent if what % 2 else self._real))
        for _ in range(chance.randrange(4)):
            frame[chance.randrange(14, min(len(frame), 90))] = chance.randrange(256)
        if what < 5:
            del frame[chance.randrange(1, len(frame)) :]
        return right(bytes(frame)) if what > 7 else bytes(frame)


def test_a_storm(root: Path, linux: Callable[[Wire], Any]) -> None:
    wire = Wire()
    host = linux(wire)
    with boot(
        build(root / "images" / "web"), arguments=[f"--ipv4={GUEST}/24"], network=wire, timeout=3600
    ) as guest:
        guest.console.expect("serving")
        mac = guest.network.mac

        def heap() -> int:
            host.run(
                "ip", "neigh", "flush", "all"
            )  # it asks again who the guest is, and says so who itself is
            said = host.run("curl", "-sS", "--max-time", "20", f"http://{GUEST}/status.json")
            assert not said.returncode, said
            return int(json.loads(said.stdout)["heap"])

        own = f"fe80::{int(mac[:2], 16) ^ 2:x}{mac[3:5]}:{mac[6:8]}ff:fe{mac[9:11]}:{mac[12:14]}{mac[15:]}"
        for size in ("56", "4000"):
            assert host.run("ping", "-c", "2", "-s", size, GUEST).returncode == 0
            assert host.run("ping", "-c", "2", "-s", size, f"{own}%wire").returncode == 0
        host.run("nc", "-u", "-w", "1", GUEST, "9")
        heap()
        real = tuple(host.said)
        assert [frame for frame in real if right(frame) != frame] == []
        storm = Storm(bytes.fromhex(mac.replace(":", "")), real, host.said)

        def rage(frames: int) -> int:
            for _ in range(frames // BATCH):
                host.send(*(storm.frame() for _ in range(BATCH)))
                mark = os.urandom(16)
                host.ask(
                    bytes(Ether(src=host.mac, dst=mac) / IP(src=LINUX, dst=GUEST) / ICMP(id=1) / mark), mark
                )
            return heap()

        users = subprocess.Popen(
            host.command("wrk", "-t1", "-c8", "-d3600", f"http://{GUEST}/"), stdout=subprocess.DEVNULL
        )
        try:
            half = rage(FRAMES // 2)
            whole = rage(FRAMES // 2)
        finally:
            users.terminate()
            users.wait()
        print(f"\nheap after {FRAMES // 2} frames {half}, after {FRAMES} {whole}")
        assert whole <= half + MORE_HEAP
        assert guest.exit is None
        assert "[ERROR]" not in guest.console.text()
