"""Bytes of a disk for people: in hexadecimal, with runs of zeros folded, and no more than is read at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

__all__ = [
    "ROW",
    "HexView",
    "Line",
    "Row",
    "ascii_of",
    "pieces_of",
    "rows_of",
    "runs",
    "sector_lines",
    "span",
]

ROW: Final = 16
"""Bytes in a row."""


@dataclass(frozen=True)
class Row:
    """A row of bytes.

    Attributes:
        offset: of its first byte in the sector.
        data: its bytes.
        mark: ``-`` before a change, ``+`` after it, else empty.
        changed: places in the row of bytes that changed.
    """

    offset: int
    data: bytes
    mark: str = ""
    changed: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Line:
    """Words between rows.

    Attributes:
        words: they.
        about_row: whether they stand for rows of a sector, not for sectors.
    """

    words: str
    about_row: bool = False


@dataclass(frozen=True, repr=False)
class HexView:
    """Sectors in hexadecimal. It shows itself: as a table in a notebook, as text anywhere.

    Attributes:
        title: what is shown.
        body: its rows, and lines of words between them.
    """

    title: str
    body: tuple[Row | Line, ...]

    def __str__(self) -> str:
        return "\n".join([self.title, *(_text(item) for item in self.body)])

    __repr__ = __str__


def pieces_of(row: Row) -> list[tuple[str, bool]]:
    """The bytes of a row as a text, in pieces: bytes that changed stand together, in brackets.

    Returns:
        Each piece, and whether it changed. All rows have the same width.
    """
    pieces = []
    for changed, group in groupby(range(len(row.data)), key=lambda place: place in row.changed):
        places = list(group)
        text = "".join(
            ("  " if place == ROW // 2 else " ") * (place != places[0]) + f"{row.data[place]:02x}"
            for place in places
        )
        gap = " " if places[0] == ROW // 2 else ""
        pieces.append((gap + (f"[{text}]" if changed else text), changed))
    if 0 not in row.changed:
        pieces.insert(0, (" ", False))
    if len(row.data) - 1 not in row.changed:
        pieces.append((" ", False))
    return pieces


def ascii_of(data: bytes) -> str:
    """Bytes as letters, those that are none as dots."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)


def span(first: int, last: int) -> str:
    """The words for a run of sectors."""
    return f"sector {first}" if first == last else f"sectors {first} to {last}"


def runs(sectors: Iterable[int], most: int = 12) -> str:
    """Numbers of sectors as runs, such as ``3, 5 to 9``; many are cut short."""
    found: list[list[int]] = []
    for sector in sectors:
        if found and sector == found[-1][1] + 1:
            found[-1][1] = sector
        else:
            found.append([sector, sector])
    words = [f"{first}" if first == last else f"{first} to {last}" for first, last in found[:most]]
    if len(found) > most:
        words.append(f"and {sum(last - first + 1 for first, last in found[most:])} more")
    return ", ".join(words) or "none"


def sector_lines(
    contents: Iterable[tuple[int, bytes]], first: int, count: int, most: int
) -> Iterator[Row | Line]:
    """The lines for sectors.

    Args:
        contents: numbers and bytes of the sectors that may be other than zero, in order; the others are zero.
        first: the first sector.
        count: how many.
        most: after so many rows, no further sector is begun.
    """
    rows, expected = 0, first
    for number, data in contents:
        if not any(data):
            continue
        if number > expected:
            yield Line(f"{span(expected, number - 1)}: zero")
        if rows >= most:
            yield Line(f"{span(number, first + count - 1)}: not shown")
            return
        expected = number + 1
        yield Line(f"sector {number}")
        for item in _folded(data):
            rows += isinstance(item, Row)
            yield item
    if expected < first + count:
        yield Line(f"{span(expected, first + count - 1)}: zero")


def rows_of(data: bytes) -> list[Row]:
    """The rows of a sector."""
    return [Row(at, data[at : at + ROW]) for at in range(0, len(data), ROW)]


def _folded(data: bytes) -> Iterator[Row | Line]:
    """The rows of a sector; two and more of zeros, or that repeat the row before, become one line."""
    for content, group in groupby(rows_of(data), key=lambda row: row.data):
        rows = list(group)
        if any(content):
            yield rows.pop(0)
        if len(rows) < 2:
            yield from rows
        else:
            words = "the same again" if any(content) else "zero"
            yield Line(f"{rows[0].offset:03x} to {rows[-1].offset + ROW - 1:03x}: {words}", about_row=True)


def _text(item: Row | Line) -> str:
    if isinstance(item, Line):
        return f"  {item.words}" if item.about_row else item.words
    data = "".join(text for text, _ in pieces_of(item))
    return f"{item.mark:1} {item.offset:03x} {data} {ascii_of(item.data)}"
