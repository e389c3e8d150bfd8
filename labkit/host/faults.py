"""What may go wrong with a disk: named here, made by QEMU's own block layer.

Errors are rules of its driver ``blkdebug`` (``BlockdevOptionsBlkdebug`` in its QMP reference, and its developers'
docs/devel/blkdebug.txt), slowness is its I/O throttling. The guest cannot tell them from a disk that fails by
itself.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from labkit.errors import UsageError
from labkit.host.diskfile import SECTOR
from labkit.host.sizes import bytes_of, words_of

__all__ = ["Faults", "Kind", "stop_after"]

Kind = Literal["read", "write", "flush"]

_RULES_MOST: Final = 8192  # for a disk that fills up: beyond it they stand for larger pieces


@dataclass(frozen=True)
class Faults:
    """Faults of a disk. Nothing is wrong at first; each method gives faults with one more::

        Faults().fail_reads(7).fail_writes(8, once=True)

    Attributes:
        failures: what fails: kind of request, sector (None for any), whether once or always.
        room: how many bytes there is room for, counted from the disk's beginning; None for all.
        requests_per_second: how many requests it serves at most in a second; 0 for no limit.
        bytes_per_second: how many bytes it moves at most in a second; 0 for no limit.
    """

    failures: tuple[tuple[Kind, int | None, bool], ...] = ()
    room: int | None = None
    requests_per_second: int = 0
    bytes_per_second: int = 0

    def fail_reads(self, *sectors: int | range, once: bool = False) -> Faults:
        """Reads of these sectors fail, or all reads if none is named.

        Args:
            sectors: numbers, or ranges of them.
            once: each only once; the next read is good again.

        Raises:
            UsageError: there is no such sector.
        """
        return self._failing("read", sectors, once)

    def fail_writes(self, *sectors: int | range, once: bool = False) -> Faults:
        """Writes to these sectors fail and change nothing, or all writes if none is named.

        Args:
            sectors: numbers, or ranges of them.
            once: each only once; the next write is good again.

        Raises:
            UsageError: there is no such sector.
        """
        return self._failing("write", sectors, once)

    def fail_flushes(self, *, once: bool = False) -> Faults:
        """Flushes fail, all of them or the next one."""
        return replace(self, failures=(*self.failures, ("flush", None, once)))

    def fill(self, room: int | str) -> Faults:
        """The disk has less room than it says: a write behind its first ``room`` bytes fails, as on a disk whose
        file cannot grow (ENOSPC). What is there can be read, and written over before that point.

        Args:
            room: in bytes, or such as ``64 KiB``; whole sectors.

        Raises:
            UsageError: it is no whole number of sectors.
        """
        size = bytes_of(room)
        if size < 0 or size % SECTOR:
            raise UsageError(
                f"A disk has no room for {size:,} bytes: they are no whole number of sectors.",
                next_step=f"Give a multiple of {SECTOR}.",
            )
        return replace(self, room=size)

    def slow(self, *, requests: int = 0, bytes: int | str = 0) -> Faults:  # noqa: A002  it is bytes
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
        return replace(self, requests_per_second=requests, bytes_per_second=rate)

    def plus(self, more: Faults) -> Faults:
        """These faults and others; of two limits the later one holds."""
        return Faults(
            (*self.failures, *more.failures),
            self.room if more.room is None else more.room,
            more.requests_per_second or self.requests_per_second,
            more.bytes_per_second or self.bytes_per_second,
        )

    @property
    def any(self) -> bool:
        """Whether there is a fault at all."""
        return self != Faults()

    @property
    def stops_writes(self) -> bool:
        """Whether a write or a flush may fail."""
        return self.room is not None or any(kind != "read" for kind, _, _ in self.failures)

    def __str__(self) -> str:
        words = []
        for kind, sector, once in self.failures:
            where = "" if sector is None else f" at sector {sector}"
            words.append(f"{'one' if once else 'every'} {kind}{where} fails")
        if self.room is not None:
            words.append(f"there is room for its first {words_of(self.room)} only")
        if self.requests_per_second:
            words.append(f"at most {self.requests_per_second} requests a second")
        if self.bytes_per_second:
            words.append(f"at most {words_of(self.bytes_per_second)} a second")
        return "; ".join(words) or "none"

    def check(self, sectors: int) -> None:
        """Look whether a disk has the sectors named.

        Raises:
            UsageError: it has not.
        """
        for kind, sector, _ in self.failures:
            if sector is not None and sector >= sectors:
                raise UsageError(
                    f"No {kind} can fail at sector {sector}: the disk has {sectors}.",
                    next_step=f"Name a sector from 0 to {sectors - 1}.",
                )

    def rules(self, size: int) -> dict[str, Any]:
        """Options of ``blkdebug`` for a disk; empty where nothing fails.

        Args:
            size: the disk's, in bytes.
        """
        rules = [_rule(kind, errno.EIO, sector=sector, once=once) for kind, sector, once in self.failures]
        if self.room is None or self.room >= size:
            return {"inject-error": rules} if rules else {}
        # A rule knows one sector only. On a large disk the driver is told to work in larger pieces, each of which
        # has its first sector in every request that touches it.
        unit = SECTOR
        while (size - self.room) // unit > _RULES_MOST and self.room % (2 * unit) == 0 == size % (2 * unit):
            unit *= 2
        if (size - self.room) // unit > _RULES_MOST * 4:
            raise UsageError(
                f"A disk of {words_of(size)} cannot be full after {words_of(self.room)}: that is too fine.",
                next_step="Give a room that is a multiple of 1 MiB, and a disk whose size is.",
            )
        full = [
            _rule("write", errno.ENOSPC, sector=at // SECTOR, once=False)
            for at in range(self.room, size, unit)
        ]
        return {"inject-error": rules + full, "align": unit}

    def _failing(self, kind: Kind, sectors: tuple[int | range, ...], once: bool) -> Faults:
        numbers: list[int | None] = []
        for sector in sectors:
            numbers.extend(sector if isinstance(sector, range) else (sector,))
        if any(number is not None and number < 0 for number in numbers):
            raise UsageError("Sectors are counted from 0.", next_step="Name one that the disk has.")
        return replace(
            self, failures=(*self.failures, *((kind, number, once) for number in numbers or [None]))
        )


def stop_after(writes: int) -> dict[str, Any]:
    """Options of ``blkdebug``: so many writes are done, the next one fails, and no flush is done after it.

    The driver counts by its states: each write leads from one to the next. QEMU flushes a guest's disks when it
    stops it; that flush is not the guest's, and must not be done.
    """
    last = writes + 1
    failing = [
        {"event": "write_aio", "state": last, "iotype": kind, "errno": errno.EIO}
        for kind in ("write", "flush")
    ]
    counting = [{"event": "write_aio", "state": i, "new_state": i + 1} for i in range(1, last)]
    return {"inject-error": failing} | ({"set-state": counting} if counting else {})


def _rule(kind: Kind, number: int, *, sector: int | None, once: bool) -> dict[str, Any]:
    rule: dict[str, Any] = {"event": "none", "iotype": kind, "errno": number, "once": once}
    return rule if sector is None else {**rule, "sector": sector}
