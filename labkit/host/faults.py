"""What may go wrong with a disk: named here, made by QEMU's own block layer.

Errors are rules of its driver ``blkdebug`` (``BlockdevOptionsBlkdebug`` in its QMP reference, and its developers'
docs/devel/blkdebug.txt), slowness is its I/O throttling. The guest cannot tell them from a disk that fails by
itself.
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self

from labkit.errors import UsageError
from labkit.host.diskfile import SECTOR
from labkit.host.sizes import bytes_of, words_of

__all__ = ["RULES_MOST", "Breakable", "Failure", "Faults", "Kind", "Rules", "stop_after"]

Kind = Literal["read", "write", "flush"]

_Rule = tuple[str, Mapping[str, str | int]]  # an action, and its options

RULES_MOST: Final = 1 << 14  # each costs a little in every request


@dataclass(frozen=True)
class Failure:
    """Requests that fail.

    Attributes:
        kind: what they ask for.
        sector: which sector they touch; None for any.
        once: whether only the first of them fails.
    """

    kind: Kind
    sector: int | None
    once: bool

    def __str__(self) -> str:
        where = "" if self.sector is None else f" of sector {self.sector}"
        return f"{'the first' if self.once else 'every'} {self.kind}{where} fails"


@dataclass(frozen=True)
class Rules:
    """What goes wrong, for the driver ``blkdebug``.

    Attributes:
        config: its rules, as the text of its configuration file; empty for none.
        align: in pieces of how many bytes it is to work; 0 for its own choice.
    """

    config: str
    align: int = 0


class Breakable(ABC):
    """What can be given faults."""

    @abstractmethod
    def with_faults(self, faults: Faults) -> Self:
        """Add faults; gives what has them."""

    def fail_reads(self, *sectors: int | range, once: bool = False) -> Self:
        """Reads of these sectors fail, or all reads if none is named.

        Args:
            sectors: numbers, or ranges of them.
            once: each only once; the next read is good again.

        Raises:
            UsageError: there is no such sector.
        """
        return self.with_faults(Faults(_failures("read", sectors, once)))

    def fail_writes(self, *sectors: int | range, once: bool = False) -> Self:
        """Writes to these sectors fail and change nothing, or all writes if none is named.

        Args:
            sectors: numbers, or ranges of them.
            once: each only once; the next write is good again.

        Raises:
            UsageError: there is no such sector.
        """
        return self.with_faults(Faults(_failures("write", sectors, once)))

    def fail_flushes(self, *, once: bool = False) -> Self:
        """Flushes fail, all of them or the next one. Only those count that have something to flush: QEMU does not
        pass on a flush when nothing was written since the one before.
        """
        return self.with_faults(Faults(_failures("flush", (), once)))

    def fill(self, room: int | str) -> Self:
        """The disk has less room than it says: a write behind its first ``room`` bytes fails, as on a disk whose
        file cannot grow (ENOSPC). All can be read, and what lies before can be written.

        Args:
            room: in bytes, or such as ``64 KiB``; whole sectors.

        Raises:
            UsageError: it is no whole number of sectors.
        """
        size = bytes_of(room)
        if size < 0 or size % SECTOR:
            raise UsageError(
                f"A disk cannot have room for {size:,} bytes: they are no whole number of sectors.",
                next_step=f"Give a multiple of {SECTOR}.",
            )
        return self.with_faults(Faults(room=size))

    def slow(self, *, requests: int = 0, bytes: int | str = 0) -> Self:  # noqa: A002  it is bytes
        """The disk is slow.

        Args:
            requests: how many it serves at most in a second; 0 for no limit.
            bytes: how many it moves at most in a second, or such as ``64 KiB``; 0 for no limit.

        Raises:
            UsageError: a limit is below zero, or none is given.
        """
        rate = bytes_of(bytes)
        if requests < 0 or rate < 0 or not (requests or rate):
            raise UsageError(
                "How slow is the disk to be?",
                next_step="Give requests=, bytes=, or both: the most in a second, above 0.",
            )
        return self.with_faults(Faults(requests_per_second=requests, bytes_per_second=rate))


@dataclass(frozen=True)
class Faults(Breakable):
    """Faults of a disk. Nothing is wrong at first; each method gives faults with one more::

        Faults().fail_reads(7).fail_writes(8, once=True)

    Attributes:
        failures: which requests fail.
        room: how many bytes there is room for, counted from the disk's beginning; None for all.
        requests_per_second: how many requests it serves at most in a second; 0 for no limit.
        bytes_per_second: how many bytes it moves at most in a second; 0 for no limit.
    """

    failures: tuple[Failure, ...] = ()
    room: int | None = None
    requests_per_second: int = 0
    bytes_per_second: int = 0

    def with_faults(self, faults: Faults) -> Self:
        """These faults and others; of two limits the later one holds."""
        return type(self)(
            (*self.failures, *faults.failures),
            self.room if faults.room is None else faults.room,
            faults.requests_per_second or self.requests_per_second,
            faults.bytes_per_second or self.bytes_per_second,
        )

    def __bool__(self) -> bool:
        return self != Faults()

    @property
    def limits_speed(self) -> bool:
        """Whether the disk is slow."""
        return bool(self.requests_per_second or self.bytes_per_second)

    @property
    def fails_writes(self) -> bool:
        """Whether a write or a flush may fail."""
        return self.room is not None or any(failure.kind != "read" for failure in self.failures)

    def __str__(self) -> str:
        words = [str(failure) for failure in self.failures]
        if self.room is not None:
            words.append(f"there is room for its first {words_of(self.room)} only")
        if self.requests_per_second:
            words.append(f"at most {self.requests_per_second} requests a second")
        if self.bytes_per_second:
            words.append(f"at most {words_of(self.bytes_per_second)} a second")
        return "; ".join(words) or "none"

    def check(self, size: int) -> None:
        """Look whether a disk can have them.

        Args:
            size: the disk's, in bytes.

        Raises:
            UsageError: it cannot.
        """
        if len(self.failures) > RULES_MOST:
            raise UsageError(
                f"{len(self.failures):,} sectors are more than can fail at once.",
                next_step=f"Name at most {RULES_MOST:,}, or none: then all fail.",
            )
        for failure in self.failures:
            if failure.sector is not None and not 0 <= failure.sector < size // SECTOR:
                raise UsageError(
                    f"No {failure.kind} can fail at sector {failure.sector}: the disk has {size // SECTOR}.",
                    next_step=f"Name a sector from 0 to {size // SECTOR - 1}.",
                )
        if self.room is not None and len(self._full(size)) > RULES_MOST:
            raise UsageError(
                f"A disk of {words_of(size)} cannot be full after {words_of(self.room)}: that is too fine.",
                next_step="Give a room that is a multiple of 1 MiB, and a disk whose size is.",
            )

    def rules(self, size: int) -> Rules:
        """Rules for a disk.

        Args:
            size: the disk's, in bytes.
        """
        rules = [
            _rule(failure.kind, errno.EIO, sector=failure.sector, once=failure.once)
            for failure in self.failures
        ]
        full = self._full(size)
        rules.extend(_rule("write", errno.ENOSPC, sector=at // SECTOR) for at in full)
        return Rules(_config(rules), full.step if full else 0)

    def _full(self, size: int) -> range:
        """Where there is no room: the beginnings of pieces. A rule knows one sector only; so on a large disk the
        driver is told to work in larger pieces: each has its first sector in every request that touches it.
        """
        room = size if self.room is None else min(self.room, size)
        unit = SECTOR
        while (size - room) // unit > RULES_MOST and room % (2 * unit) == 0 == size % (2 * unit):
            unit *= 2
        return range(room, size, unit)


def stop_after(writes: int) -> Rules:
    """Rules by which so many writes are done, the next one fails, and no flush is done after it.

    The driver counts by its states: each write leads from one to the next. QEMU flushes a guest's disks when it
    stops it; that flush is not the guest's, and must not be done.
    """
    last = writes + 1
    rules: list[_Rule] = [
        ("set-state", {"event": "write_aio", "state": state, "new_state": state + 1})
        for state in range(1, last)
    ]
    rules.extend(
        ("inject-error", {"event": "write_aio", "state": last, "iotype": kind, "errno": errno.EIO})
        for kind in ("write", "flush")
    )
    return Rules(_config(rules))


def _failures(kind: Kind, sectors: Iterable[int | range], once: bool) -> tuple[Failure, ...]:
    numbers: list[int | None] = []
    for sector in sectors:
        numbers.extend(sector if isinstance(sector, range) else (sector,))
    return tuple(Failure(kind, number, once) for number in numbers or [None])


def _rule(kind: Kind, number: int, *, sector: int | None, once: bool = False) -> _Rule:
    options: dict[str, str | int] = {"event": "none", "iotype": kind, "errno": number}
    if sector is not None:
        options["sector"] = sector
    if once:
        options["once"] = "on"
    return "inject-error", options


def _config(rules: Iterable[_Rule]) -> str:
    """Rules as a file of QEMU's configuration format, which it reads much faster than a command with so many."""
    return "".join(
        f"[{action}]\n" + "".join(f'{name} = "{value}"\n' for name, value in options.items())
        for action, options in rules
    )
