"""What can be read like a disk, at one moment: the disk now, or a snapshot of it. And what is different in two."""

from __future__ import annotations

import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from labkit.errors import HostError, UsageError
from labkit.host import sparse
from labkit.host.diskfile import SECTOR
from labkit.host.hexdump import ROW, HexView, Line, Row, lines, span

__all__ = ["Change", "Difference", "Moment", "Snapshot"]

ROWS_SHOWN: Final = 64
CHANGES_KEPT: Final = 4096


class Moment(ABC):
    """A disk as it is, or was."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called in what is shown; no path, so that it is the same on every machine."""

    @abstractmethod
    def opened(self) -> AbstractContextManager[int]:
        """A descriptor of its file, to read, in a ``with`` block."""

    @property
    def size(self) -> int:
        """In bytes."""
        with self.opened() as file:
            return os.fstat(file).st_size

    @property
    def sectors(self) -> int:
        """How many sectors it has."""
        return self.size // SECTOR

    def read(self, sector: int, count: int = 1) -> bytes:
        """Its bytes.

        Args:
            sector: the first one, counted from 0.
            count: how many.

        Raises:
            UsageError: it has no such sectors.
        """
        self.check(sector, count)
        with self.opened() as file:
            return os.pread(file, count * SECTOR, sector * SECTOR)

    def check(self, sector: int, count: int) -> None:
        """Look whether it has such sectors.

        Raises:
            UsageError: it has not.
        """
        if count < 1 or sector < 0 or sector + count > self.sectors:
            asked = span(sector, sector + count - 1) if count > 0 else f"{count} sectors"
            raise UsageError(
                f"{self.name} has no {asked}: it has the sectors 0 to {self.sectors - 1}.",
                next_step="Name sectors that it has.",
            )

    def hex(self, sector: int = 0, count: int | None = None) -> HexView:
        """Its bytes in hexadecimal, to be shown; runs of zeros are folded.

        Args:
            sector: the first one.
            count: how many; all from there unless given, or one where a sector is given.

        Raises:
            UsageError: it has no such sectors.
        """
        if count is None:
            count = self.sectors - sector if sector == 0 else 1
        self.check(sector, count)
        with self.opened() as file:
            body = tuple(lines(_contents(file, sector, count), sector, count, ROWS_SHOWN))
        return HexView(f"{self.name}: {span(sector, sector + count - 1)}", body)

    def diff(self, earlier: Moment) -> Difference:
        """What has changed since an earlier moment.

        Raises:
            UsageError: they differ in size, and so are no two moments of one disk.
        """
        if earlier.size != self.size:
            raise UsageError(
                f"{earlier.name} has {earlier.sectors} sectors and {self.name} has {self.sectors}: "
                "only moments of one disk are compared.",
                next_step="Compare a disk with a snapshot of it.",
            )
        sectors: list[int] = []
        changes: list[Change] = []
        with earlier.opened() as before, self.opened() as after:
            for number, old, new in sparse.differing(before, after, SECTOR):
                sectors.append(number)
                if len(changes) < CHANGES_KEPT:
                    changes.append(Change(number, old, new))
        return Difference(earlier.name, self.name, self.sectors, tuple(sectors), tuple(changes))


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor of a file, to read."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield file
    finally:
        os.close(file)


def _contents(file: int, first: int, count: int) -> Iterator[tuple[int, bytes]]:
    """The sectors of a range that are in no hole, with their numbers."""
    for begin, end in sparse.extents(file):
        for number in range(max(first, begin // SECTOR), min(first + count, -(-end // SECTOR))):
            yield number, os.pread(file, SECTOR, number * SECTOR)


class Snapshot(Moment):
    """A moment of a disk, kept in a file without a name: it is gone when nobody has it any more, or this process
    ends. Made by :meth:`labkit.Disk.snapshot`.
    """

    def __init__(self, disk: Path, name: str) -> None:
        """Take it.

        Args:
            disk: the disk's file.
            name: what the moment is called.

        Raises:
            HostError: there is no room for it.
        """
        self._name = name
        try:
            kept = sparse.anonymous(disk.parent)
            with opened(disk) as file:
                sparse.copy(file, kept.fileno())
        except OSError as error:
            raise HostError(
                f"A snapshot of {disk} cannot be taken: {error.strerror}.", next_step="Free some space there."
            ) from error
        self._file = kept
        weakref.finalize(self, kept.close)

    @property
    def name(self) -> str:
        """What the moment is called."""
        return self._name

    @contextmanager
    def opened(self) -> Iterator[int]:
        """A descriptor of its file, to read, in a ``with`` block."""
        yield self._file.fileno()

    def __repr__(self) -> str:
        return f"<snapshot {self.name}: {self.sectors} sectors>"


@dataclass(frozen=True)
class Change:
    """A sector that changed.

    Attributes:
        sector: its number.
        before: its bytes at the earlier moment.
        after: its bytes at the later one.
    """

    sector: int
    before: bytes
    after: bytes

    @property
    def offsets(self) -> tuple[int, ...]:
        """Which of its bytes changed, counted from its first."""
        return tuple(i for i, (a, b) in enumerate(zip(self.before, self.after, strict=True)) if a != b)


@dataclass(frozen=True, repr=False)
class Difference:
    """What changed between two moments. It shows itself as a table in a notebook, and as text anywhere.

    Attributes:
        earlier: name of the earlier moment.
        later: name of the later one.
        total: how many sectors the disk has.
        sectors: those that changed.
        changes: the same with their bytes; the first 4,096 of them.
    """

    earlier: str
    later: str
    total: int
    sectors: tuple[int, ...]
    changes: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.sectors)

    def __str__(self) -> str:
        return str(self.view())

    def __repr__(self) -> str:
        return f"<{self._title()}>"

    def view(self) -> HexView:
        """The rows that changed: ``-`` before, ``+`` after; the bytes that changed stand in brackets."""
        return HexView(self._title(), tuple(self._lines()))

    def _title(self) -> str:
        changed = len(self.sectors) or "none"
        return f"{changed} of {self.total} sectors changed from {self.earlier} to {self.later}"

    def _lines(self) -> Iterator[Row | Line]:
        rows = 0
        for number, change in enumerate(self.changes):
            if rows >= ROWS_SHOWN:
                yield Line(f"{len(self.sectors) - number} more sectors changed: not shown")
                return
            count = len(change.offsets)
            yield Line(
                f"sector {change.sector}: {count} {'byte' if count == 1 else 'bytes'} changed", head=True
            )
            for row in _changed_rows(change):
                rows += 1
                yield row


def _changed_rows(change: Change) -> Iterator[Row]:
    for at in range(0, SECTOR, ROW):
        places = frozenset(i - at for i in change.offsets if at <= i < at + ROW)
        if places:
            yield Row(at, change.before[at : at + ROW], "-", places)
            yield Row(at, change.after[at : at + ROW], "+", places)
