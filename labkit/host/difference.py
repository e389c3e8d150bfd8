"""What changed on a disk between two moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from labkit.host import sparse
from labkit.host.diskfile import SECTOR
from labkit.host.hexdump import HexView, Line, Row, rows_of

__all__ = ["Change", "Difference", "compare"]

CHANGES_KEPT: Final = 4096
SECTORS_SHOWN: Final = 12
ROWS_SHOWN: Final = 6  # of a sector


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
    """What changed between two moments of a disk. It shows itself: as a table in a notebook, as text anywhere.

    Attributes:
        title: which disk and moments.
        total: how many sectors the disk has.
        sectors: those that changed.
        changes: the same with their bytes; the first 4,096 of them.
    """

    title: str
    total: int
    sectors: tuple[int, ...]
    changes: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.sectors)

    def __str__(self) -> str:
        return str(self.view())

    __repr__ = __str__

    def view(self) -> HexView:
        """The rows that changed: ``-`` before, ``+`` after; the bytes that changed stand in brackets."""
        words = f"{self.title}: {len(self.sectors) or 'none'} of {self.total} sectors changed"
        return HexView(words, tuple(self._lines()))

    def _lines(self) -> Iterator[Row | Line]:
        for change in self.changes[:SECTORS_SHOWN]:
            count = len(change.offsets)
            yield Line(f"sector {change.sector}: {count} {'byte' if count == 1 else 'bytes'} changed")
            yield from _changed_rows(change)
        more = len(self.sectors) - SECTORS_SHOWN
        if more > 0:
            yield Line(f"{more} more {'sector' if more == 1 else 'sectors'} changed: not shown")


def compare(title: str, before: int, after: int, total: int) -> Difference:
    """Compare a disk at two moments.

    Args:
        title: which disk and moments.
        before: descriptor of a file.
        after: descriptor of another of the same size.
        total: how many sectors they have.
    """
    sectors: list[int] = []
    changes: list[Change] = []
    for number, old, new in sparse.differing(before, after, SECTOR):
        sectors.append(number)
        if len(changes) < CHANGES_KEPT:
            changes.append(Change(number, old, new))
    return Difference(title, total, tuple(sectors), tuple(changes))


def _changed_rows(change: Change) -> Iterator[Row | Line]:
    pairs = [
        (old, new)
        for old, new in zip(rows_of(change.before), rows_of(change.after), strict=True)
        if old.data != new.data
    ]
    for old, new in pairs[:ROWS_SHOWN]:
        places = frozenset(i for i, (a, b) in enumerate(zip(old.data, new.data, strict=True)) if a != b)
        yield Row(old.offset, old.data, "-", places)
        yield Row(new.offset, new.data, "+", places)
    more = len(pairs) - ROWS_SHOWN
    if more > 0:
        yield Line(f"{more} more {'row' if more == 1 else 'rows'} changed: not shown", about_row=True)
