"""Bytes of a disk for people: in hexadecimal, with runs of zeros folded, and no more than is read at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from labkit.host.diskfile import SECTOR

__all__ = ["ROW", "HexView", "Line", "Row", "ascii_of", "hex_of", "lines", "span"]

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
    """A line of words between rows: which sector, what was folded.

    Attributes:
        words: the line.
        head: whether a sector begins with it.
    """

    words: str
    head: bool = False


@dataclass(frozen=True, repr=False)
class HexView:
    """Sectors in hexadecimal. It shows itself as a table in a notebook, and as text anywhere: ``print`` it.

    Attributes:
        title: what is shown.
        body: its rows, and lines of words between them.
    """

    title: str
    body: tuple[Row | Line, ...]

    def __str__(self) -> str:
        return "\n".join([self.title, *(_text(item) for item in self.body)])

    def __repr__(self) -> str:
        return f"<{self.title}>"


def hex_of(row: Row) -> list[str]:
    """The bytes of a row; one that changed stands in brackets."""
    return [f"[{byte:02x}]" if i in row.changed else f" {byte:02x} " for i, byte in enumerate(row.data)]


def ascii_of(data: bytes) -> str:
    """Bytes as letters, those that are none as dots."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)


def span(first: int, last: int) -> str:
    """The words for a run of sectors."""
    return f"sector {first}" if first == last else f"sectors {first} to {last}"


def lines(contents: Iterable[tuple[int, bytes]], first: int, count: int, most: int) -> Iterator[Row | Line]:
    """Rows for sectors.

    Args:
        contents: numbers and bytes of the sectors that may be other than zero, in order; the others are zero.
        first: the first sector.
        count: how many.
        most: how many rows at most, as far as whole sectors fit.
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
        yield Line(f"sector {number}", head=True)
        for item in _folded(data):
            rows += isinstance(item, Row)
            yield item
    if expected < first + count:
        yield Line(f"{span(expected, first + count - 1)}: zero")


def _folded(data: bytes) -> Iterator[Row | Line]:
    """The rows of a sector; two and more of zeros become one line."""
    rows = [Row(at, data[at : at + ROW]) for at in range(0, SECTOR, ROW)]
    at = 0
    while at < len(rows):
        run = next((i for i in range(at, len(rows)) if any(rows[i].data)), len(rows)) - at
        if run > 1:
            yield Line(f"{rows[at].offset:03x} to {rows[at + run - 1].offset + ROW - 1:03x}: zero")
            at += run
        else:
            yield rows[at]
            at += 1


def _text(item: Row | Line) -> str:
    if isinstance(item, Line):
        return item.words if item.head or item.words.startswith("sector") else f"     {item.words}"
    cells = hex_of(item)
    half = len(cells) // 2
    return f"{item.mark:1} {item.offset:03x} {''.join(cells[:half])} {''.join(cells[half:])} {ascii_of(item.data)}"
