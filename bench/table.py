"""The table that the benchmarks print: what was measured, beside what, and the goal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Row", "Sample", "print_table"]


@dataclass(frozen=True)
class Sample:
    """What repeated measurements of one thing gave.

    Attributes:
        values: in one unit, in the order measured.
        unit: such as ``ms`` or ``KB``.
    """

    values: Sequence[float]
    unit: str

    @property
    def least(self) -> float:
        """The smallest value: what the machine can do when nothing disturbs."""
        return min(self.values)

    @property
    def median(self) -> float:
        """The value in the middle."""
        return statistics.median(self.values)

    def microseconds(self) -> Sample:
        """Milliseconds in another unit, for what takes less than one."""
        return Sample([value * 1000 for value in self.values], "us")

    def __str__(self) -> str:
        if len(self.values) == 1:
            return f"{self.values[0]:.0f} {self.unit}"
        return f"{self.median:.0f} ({self.least:.0f}) {self.unit}"


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        what: what was measured.
        ours: its sample.
        peer: what it stands beside.
        theirs: the peer's sample, from the same rounds.
        goal: what is wanted, in words.
        floor: what nothing of the kind can be quicker than, from the same rounds.
    """

    what: str
    ours: Sample
    peer: str
    theirs: Sample
    goal: str = ""
    floor: Sample | None = None

    @property
    def ratio(self) -> str:
        """Ours by theirs: of the medians, and of the least values, which noise touches less."""
        medians = f"{self.ours.median / self.theirs.median:.2f}"
        if len(self.ours.values) == 1:
            return medians
        return f"{medians} ({self.ours.least / self.theirs.least:.2f})"

    @property
    def difference(self) -> str:
        """Ours less theirs, of the same."""
        medians = f"{self.ours.median - self.theirs.median:+.0f}"
        if len(self.ours.values) == 1:
            return f"{medians} {self.ours.unit}"
        return f"{medians} ({self.ours.least - self.theirs.least:+.0f}) {self.ours.unit}"


def print_table(title: str, rows: Sequence[Row]) -> None:
    """Print rows under a title, columns aligned: values are ``median (least) unit``."""
    lines: list[tuple[str, ...]] = [("", "ours", "beside", "", "ratio", "difference", "floor", "goal")]
    lines += [
        (
            row.what, str(row.ours), row.peer, str(row.theirs), row.ratio, row.difference,
            str(row.floor or ""), row.goal,
        )
        for row in rows
    ]  # fmt: skip
    if not any(row.floor for row in rows):
        lines = [(*line[:-2], line[-1]) for line in lines]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    print(f"\n{title}")
    for line in lines:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
