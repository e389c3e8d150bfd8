"""What a disk with a cache may have lost: QEMU's log of writes and flushes, and the choice of what survives.

The log is that of QEMU's driver ``blklogwrites``, which is Linux' dm-log-writes (its documentation:
https://docs.kernel.org/admin-guide/device-mapper/log-writes.html): sector 0 is for a header, and after it come
entries, each a sector with four little-endian words of 64 bits (sector, count of sectors, flags, length of a mark)
and then the sectors that were written. Places are given out in order and filled in any; a hole is an entry whose
write had not been done when QEMU was killed.
"""

from __future__ import annotations

import os
import random
import struct
from dataclasses import dataclass
from typing import Final

from labkit.host import sparse
from labkit.host.diskfile import SECTOR
from labkit.host.plannedcut import Lose

__all__ = ["Loss", "WriteLog", "read_log", "settle"]

_ENTRY: Final = struct.Struct("<QQQQ")
_FLUSH, _DISCARD = 1, 4


@dataclass(frozen=True)
class Loss:
    """What a power cut did to a disk.

    Attributes:
        unflushed: sectors that were written after the last flush, or while there was none.
        lost: those of them that are not as they were written last: as at the last flush, or as some write between
            had made them.
    """

    unflushed: tuple[int, ...]
    lost: tuple[int, ...]

    @property
    def kept(self) -> tuple[int, ...]:
        """Sectors that were not flushed and are there nevertheless."""
        gone = set(self.lost)
        return tuple(sector for sector in self.unflushed if sector not in gone)


@dataclass(frozen=True)
class WriteLog:
    """What a log tells.

    Attributes:
        flushes: how many flushes were done.
        flushed: where in the log each sector's bytes are as the last flush found them.
        later: where they are as each write after that made them, oldest first.
    """

    flushes: int
    flushed: dict[int, int]
    later: dict[int, list[int]]


def read_log(log: int) -> WriteLog:
    """Read a log whose QEMU has ended.

    Args:
        log: descriptor of its file.

    Raises:
        ValueError: it is no such log.
    """
    flushes = 0
    flushed: dict[int, int] = {}
    later: dict[int, list[int]] = {}
    size = os.fstat(log).st_size
    at = SECTOR
    while at + SECTOR <= size:
        head = os.pread(log, SECTOR, at)
        sector, count, flags, _ = _ENTRY.unpack_from(head)
        if any(head[_ENTRY.size :]) or flags & ~(_FLUSH | _DISCARD):
            raise ValueError(f"no entry of a log at byte {at}")
        at += SECTOR
        if flags & _FLUSH:
            flushes += 1
            flushed.update((number, places[-1]) for number, places in later.items())
            later.clear()
        elif not flags & _DISCARD:
            for number in range(count):
                later.setdefault(sector + number, []).append(at + number * SECTOR)
            at += count * SECTOR
    return WriteLog(flushes, flushed, later)


def settle(disk: int, before: int, log: int, lose: Lose, seed: int) -> Loss:
    """Make a disk's file what a real disk may be after a power cut.

    Every sector that was flushed is kept. Each that was written later is what the last flush found, or what any
    write since then made of it, whole.

    Args:
        disk: descriptor of its file, as QEMU has left it: with every write that was begun.
        before: of a copy from before the guest's start.
        log: of QEMU's log.
        lose: what is lost.
        seed: of the choices where a part is lost.

    Raises:
        ValueError: the log cannot be read; nothing is changed.
        OSError: a file cannot be read or written.
    """
    told = read_log(log)
    chance = random.Random(seed)  # noqa: S311  it is to be repeatable
    # A write that was cut may be in the file and not in the log: so the file is compared with what it was.
    now = {number: new for number, _, new in sparse.differing(before, disk, SECTOR)}
    unflushed, lost = [], []
    for number in sorted(now.keys() | told.flushed.keys() | told.later.keys()):
        newest = now.get(number) or os.pread(disk, SECTOR, number * SECTOR)
        if number in told.flushed:
            oldest = os.pread(log, SECTOR, told.flushed[number])
        else:
            oldest = os.pread(before, SECTOR, number * SECTOR)
        if number not in told.later and oldest == newest:
            continue
        unflushed.append(number)
        # The last entry may be one that was cut itself; what it was to hold is in the file.
        between = [os.pread(log, SECTOR, place) for place in told.later.get(number, [])[:-1]]
        versions = list(dict.fromkeys([oldest, *between, newest]))
        kept = {"some": chance.choice(versions), "unflushed": oldest, "nothing": newest}[lose]
        if kept != newest:
            lost.append(number)
            os.pwrite(disk, kept, number * SECTOR)
    return Loss(tuple(unflushed), tuple(lost))
