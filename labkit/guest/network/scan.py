"""Which TCP ports of a guest are open, seen from outside."""

from __future__ import annotations

import contextlib
import itertools
import random
import struct
from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final

from labkit.errors import GuestTimeout

if TYPE_CHECKING:
    from labkit.guest.network.capture import Frame
    from labkit.guest.network.wiring import Wiring

__all__ = ["ALL_PORTS", "open_ports"]

ALL_PORTS: Final = range(1, 65536)

_AT_ONCE: Final = 512
_PATIENCE_SECONDS: Final = 1.5
_TRIES: Final = 3
_SYN, _RST, _SYN_ACK = 0x02, 0x04, 0x12
_TCP: Final = 6
_MOST_FRAMES: Final = 1_000_000
_MOST_BYTES: Final = 256 << 20


def open_ports(wiring: Wiring, address: IPv4Address, ports: Iterable[int]) -> tuple[int, ...]:
    """Ask for each port by one SYN, as the gateway; no connection comes of it, since QEMU refuses the answers.

    Args:
        wiring: the guest's network, no wire.
        address: the guest's.
        ports: which ones.

    Raises:
        GuestTimeout: for none of some ports there was an answer, neither yes nor no.
    """
    asker = _Asker(wiring, address)
    waiting = iter(sorted(set(ports)))
    with (
        wiring.capture(_MOST_FRAMES, _MOST_BYTES, far=True) as capture,
        wiring.injecting() as send,
    ):
        while batch := set(itertools.islice(waiting, _AT_ONCE)):
            asker.pending = set(batch)
            for _ in range(_TRIES):
                for port in sorted(asker.pending):
                    send(asker.question(port))
                with contextlib.suppress(GuestTimeout):
                    capture.wait_for(asker.answered, _PATIENCE_SECONDS)
                    break
            if asker.pending == batch:
                raise GuestTimeout(
                    f"{wiring.label} does not answer for its ports {min(batch)} to {max(batch)}.",
                    next_step="Look whether it still handles what comes: guest.network.ping(), and its console.",
                )
    return tuple(sorted(asker.open))


class _Asker:
    """Makes the questions and takes the answers."""

    def __init__(self, wiring: Wiring, address: IPv4Address) -> None:
        assert wiring.gateway is not None  # noqa: S101  no wire
        mac = bytes.fromhex(wiring.plan.mac.replace(":", ""))
        ours = bytes.fromhex(wiring.gateway_mac.replace(":", ""))
        self._ethernet = mac + ours + b"\x08\x00"
        self._addresses = wiring.gateway.packed + address.packed
        self._back = address.packed + wiring.gateway.packed
        self._port = random.randint(49152, 65535)  # noqa: S311  not a secret
        self.pending: set[int] = set()
        self.open: set[int] = set()

    def question(self, port: int) -> bytes:
        """A SYN (RFC 9293, section 3.1) in IPv4 in Ethernet."""
        head = struct.pack(">BBHHHBBH", 0x45, 0, 40, random.getrandbits(16), 0, 64, _TCP, 0)
        head = head[:10] + _checksum(head + self._addresses) + self._addresses
        tcp = struct.pack(">HHIIBBHHH", self._port, port, random.getrandbits(32), 0, 0x50, _SYN, 1024, 0, 0)
        pseudo = self._addresses + struct.pack(">HH", _TCP, len(tcp))
        return self._ethernet + head + tcp[:16] + _checksum(pseudo + tcp) + tcp[18:]

    def answered(self, frame: Frame) -> bool:
        """Take a frame; whether all have been answered now."""
        data = frame.data
        if frame.sent and len(data) >= 54 and data[23] == _TCP and data[26:34] == self._back:
            at = 14 + (data[14] & 0x0F) * 4
            port, to = struct.unpack_from(">HH", data, at)
            flags = data[at + 13]
            if to == self._port and port in self.pending and flags & (_RST | _SYN):
                self.pending.discard(port)
                if flags & _SYN_ACK == _SYN_ACK:
                    self.open.add(port)
        return not self.pending


def _checksum(data: bytes) -> bytes:
    """The Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)
