"""What can be read like a disk, at one moment: the disk now, or a snapshot of it."""

from __future__ import annotations

import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from labkit.errors import HostError, UsageError
from labkit.host import sparse
from labkit.host.difference import Difference, compare
from labkit.host.diskfile import SECTOR
from labkit.host.hexdump import HexView, sector_lines, span

__all__ = ["Moment", "Snapshot", "opened"]

ROWS_SHOWN: Final = 64


class Moment(ABC):
    """A disk as it is, or was."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the disk's file; no path, so that what is shown is the same on every machine."""

    @property
    @abstractmethod
    def when(self) -> str:
        """What the moment is called."""

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

    def hex(self, sector: int | None = None, count: int = 1) -> HexView:
        """Its bytes in hexadecimal, to be shown; runs of zeros are folded, and the view ends after a page or so.

        Args:
            sector: the first one; the whole disk unless given.
            count: how many.

        Raises:
            UsageError: it has no such sectors.
        """
        first, many = (0, self.sectors) if sector is None else (sector, count)
        self.check(first, many)
        with self.opened() as file:
            body = tuple(sector_lines(_contents(file, first, many), first, many, ROWS_SHOWN))
        return HexView(f"{self.name}, {self.when}: {span(first, first + many - 1)}", body)

    def diff(self, earlier: Moment) -> Difference:
        """What has changed since an earlier moment.

        Raises:
            UsageError: they differ in size, and so are no two moments of one disk.
        """
        if earlier.size != self.size:
            raise UsageError(
                f"{earlier.name} has {earlier.sectors} sectors and {self.name} has {self.sectors}: "
                "only moments of one disk can be compared.",
                next_step="Compare a disk with a snapshot of it.",
            )
        title = f"{self.name}, from {earlier.when} to {self.when}"
        with earlier.opened() as before, self.opened() as after:
            return compare(title, before, after, self.sectors)


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
        self._name = disk.name
        self._when = name
        try:
            kept = sparse.anonymous(disk.parent)
            weakref.finalize(self, kept.close)
            with opened(disk) as file:
                sparse.copy(file, kept.fileno())
        except OSError as error:
            raise HostError(
                f"A snapshot of {disk} cannot be taken: {error.strerror}.", next_step="Free some space there."
            ) from error
        self._file = kept

    @property
    def name(self) -> str:
        """The name of the disk's file."""
        return self._name

    @property
    def when(self) -> str:
        """What the moment is called."""
        return self._when

    @contextmanager
    def opened(self) -> Iterator[int]:
        """A descriptor of its file, to read, in a ``with`` block."""
        yield self._file.fileno()

    def __repr__(self) -> str:
        return f"<{self.name}, {self.when}: {self.sectors} sectors>"


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor of a file, to read.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"The disk {path} cannot be read: {error.strerror}.", next_step="Look whether it is there still."
        ) from error
    try:
        yield file
    finally:
        os.close(file)


def _contents(file: int, first: int, count: int) -> Iterator[tuple[int, bytes]]:
    """The sectors of a range that are in no hole, with their numbers."""
    done = first
    for begin, end in sparse.extents(file):
        for number in range(max(done, begin // SECTOR), min(first + count, -(-end // SECTOR))):
            yield number, os.pread(file, SECTOR, number * SECTOR)
            done = number + 1
