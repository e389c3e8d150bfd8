"""The control channel: what the kernel tells of itself, one record a line.

``docs/ARCHITECTURE.md``, section 3, is the contract. What a guest writes is not to be trusted: a line that is no
record is counted and dropped, and one that does not end is cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

__all__ = ["ControlReader", "ExitRecord", "ForwardRecord", "ListenRecord", "PanicRecord", "Record", "Stamp"]

RECORD_BYTES: Final = 512
MOST_STAMPS: Final = 256
_MOST_NANOSECONDS: Final = 1 << 63
_LISTEN: Final = re.compile(r"(un)?listen (\d{1,5})(?:/(udp))?")
_FORWARD: Final = re.compile(r"forward (\d{1,5}):(\d{1,5})(?:/(udp))? (open|waits|closed|failed)(?: (.+))?")


@dataclass(frozen=True)
class Stamp:
    """A stage of the boot was reached, ``nanoseconds`` after the kernel's entry."""

    name: str
    nanoseconds: int


@dataclass(frozen=True)
class ExitRecord:
    """The program ended with ``status``, 0 to 255."""

    status: int


@dataclass(frozen=True)
class PanicRecord:
    """The kernel stopped, for ``reason``."""

    reason: str


@dataclass(frozen=True)
class ListenRecord:
    """The program listens on a port of its own from now on, or no longer. Told by processes."""

    port: int
    protocol: Literal["tcp", "udp"]
    listens: bool


@dataclass(frozen=True)
class ForwardRecord:
    """What has become of a forward of a process.

    The state is ``open``, ``waits`` (for the program to listen), ``closed`` or ``failed``.
    """

    host_port: int
    port: int
    protocol: Literal["tcp", "udp"]
    state: str
    reason: str = ""


Record = Stamp | ExitRecord | PanicRecord | ListenRecord | ForwardRecord


class ControlReader:
    """Turns the bytes of a control channel into records.

    Attributes:
        dropped: how many lines were no records.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False
        self._stamps = 0
        self.dropped = 0

    def feed(self, data: bytes) -> list[Record]:
        """The records that ``data`` completes, in order."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        records = []
        for line in lines:
            if self._skipping:
                self._skipping = False
            elif (record := self._record(line)) is not None:
                records.append(record)
            else:
                self.dropped += 1
        if len(self._rest) >= RECORD_BYTES:
            if not self._skipping:
                self.dropped += 1
            self._rest, self._skipping = b"", True
        return records

    def _record(self, line: bytes) -> Record | None:
        try:
            text = line.decode("ascii")
        except UnicodeDecodeError:
            return None
        if len(line) >= RECORD_BYTES or not text.isprintable():
            return None
        kind, _, rest = text.partition(" ")
        if kind == "exit" and _number(rest) is not None and int(rest) <= 255:
            return ExitRecord(int(rest))
        if kind == "panic" and rest:
            return PanicRecord(rest)
        if kind == "stamp" and self._stamps < MOST_STAMPS:
            name, _, nanoseconds = rest.partition(" ")
            if name and _number(nanoseconds) is not None and int(nanoseconds) < _MOST_NANOSECONDS:
                self._stamps += 1
                return Stamp(name, int(nanoseconds))
        return _network_record(text)


def _network_record(text: str) -> ListenRecord | ForwardRecord | None:
    if match := _LISTEN.fullmatch(text):
        return ListenRecord(int(match[2]), _protocol(match[3]), listens=not match[1])
    if match := _FORWARD.fullmatch(text):
        return ForwardRecord(int(match[1]), int(match[2]), _protocol(match[3]), match[4], match[5] or "")
    return None


def _protocol(told: str | None) -> Literal["tcp", "udp"]:
    return cast("Literal['tcp', 'udp']", told or "tcp")


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 20 else None
