"""Figures, and what they are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Comparison", "Figure", "Subject"]

Value = int | float | list[Any] | dict[str, Any] | None


@dataclass(frozen=True)
class Figure:
    """Something measured.

    Attributes:
        title: what, in words.
        value: a number, a list or a table; None where it does not apply, or could not be had.
        unit: of the number; empty where it counts things.
        how: where it is from.
        note: what belongs to it, or why there is none.
    """

    title: str
    value: Value
    unit: str = ""
    how: str = ""
    note: str = ""

    @property
    def number(self) -> float | None:
        """What can be drawn of it: the number, or how many there are."""
        if isinstance(self.value, int | float):
            return float(self.value)
        return float(len(self.value)) if isinstance(self.value, list) else None

    def __str__(self) -> str:
        match self.value:
            case None:
                return "–"
            case float():
                text = f"{self.value:,.2f}" if self.value < 100 else f"{self.value:,.0f}"
            case int():
                text = f"{self.value:,}"
            case list():
                few = len(self.value) <= 4 and all(isinstance(item, int | str) for item in self.value)
                text = ", ".join(map(str, self.value)) if few else f"{len(self.value):,}"
                text = text or "none"
            case dict():
                text = f"{len(self.value):,} parts"
        return f"{text} {self.unit}".strip()


@dataclass(frozen=True)
class Subject:
    """One of those that are compared.

    Attributes:
        name: the image's.
        kind: ``unikernel`` or ``Linux``.
        figures: what was measured, by short names.
    """

    name: str
    kind: str
    figures: Mapping[str, Figure]

    def __getitem__(self, name: str) -> Figure:
        return self.figures[name]

    def describe(self) -> dict[str, Any]:
        """As ``labkit compare --json`` prints it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "figures": {name: vars(figure) for name, figure in self.figures.items()},
        }


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two images, measured alike in one run.

    Attributes:
        one, other: they.
        hypervisor: what their guests ran on: ``kvm``, or ``qemu`` for emulation.
        seconds: how long it took.
    """

    one: Subject
    other: Subject
    hypervisor: str
    seconds: float = field(default=0.0, compare=False)

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """What was measured, and both figures, as texts."""
        return [
            (figure.title, str(figure), str(self.other.figures[name]))
            for name, figure in self.one.figures.items()
        ]

    def ratio(self, name: str) -> float:
        """How many times larger the second's figure is than the first's.

        Raises:
            ValueError: one of them is no number, or zero.
        """
        one, other = self.one[name].number, self.other[name].number
        if not one or other is None:
            raise ValueError(f"{name} has no ratio")
        return other / one

    def describe(self) -> dict[str, Any]:
        """As ``labkit compare --json`` prints it."""
        return {
            "a": self.one.describe(),
            "b": self.other.describe(),
            "hypervisor": self.hypervisor,
            "seconds": round(self.seconds, 1),
        }

    def __str__(self) -> str:
        rows = [("", self.one.name, self.other.name), *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in rows]
        notes = [
            f"  {subject.name}, {figure.title}: {figure.note}"
            for subject in (self.one, self.other)
            for figure in subject.figures.values()
            if figure.note
        ]
        return "\n".join([*lines, *(["", "Notes", *notes] if notes else [])])

    def __repr__(self) -> str:
        return f"<{self.one.name} and {self.other.name} compared>"
