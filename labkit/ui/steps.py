"""The steps of one cell: what was begun, how far it is, how long it took. It subscribes to labkit.events."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Final

from labkit.events import Event, Kind

__all__ = ["Board", "Row"]

MOST_ROWS: Final = 40

_DOING: Final = {
    "boot": "booting",
    "build": "building",
    "check": "checking",
    "compile": "compiling",
    "gc": "removing",
    "load": "loading",
    "probe": "trying",
    "warm": "warming",
}


@dataclass
class Row:
    """One step.

    Attributes:
        step: its number.
        depth: how many steps are around it.
        title: what is done, to what.
        began: when, on the monotonic clock.
        state: ``running``, ``done`` or ``failed``.
        detail: how far it is, or how it ended, in words.
        fraction: how much is done, where known.
        seconds: how long it took; 0 while it runs.
    """

    step: int
    depth: int
    title: str
    began: float
    state: str = "running"
    detail: str = ""
    fraction: float | None = None
    seconds: float = 0.0

    def message(self) -> dict[str, Any]:
        """As it goes to the widget."""
        running = self.state == "running"
        return {
            "depth": self.depth,
            "title": self.title,
            "state": self.state,
            "detail": self.detail,
            "fraction": self.fraction if running else None,
            "seconds": time.monotonic() - self.began if running else self.seconds,
        }


class Board:
    """The steps that one thread, a cell's, begins, with all that are nested in them.

    Steps of other threads are not this cell's and are left out.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._rows: dict[int, Row] = {}
        self._left_out = 0
        self._lock = threading.Lock()

    @property
    def running(self) -> bool:
        """Whether a step is under way."""
        with self._lock:
            return any(row.state == "running" for row in self._rows.values())

    @property
    def rows(self) -> list[Row]:
        """The steps so far, in the order of their beginning."""
        with self._lock:
            return list(self._rows.values())

    def take(self, event: Event) -> bool:
        """Take an event, in any thread; True if it belongs here."""
        with self._lock:
            if event.kind is Kind.START:
                return self._begin(event)
            row = self._rows.get(event.step)
            if row is None:
                return False
            row.detail = event.detail or row.detail
            if event.kind is Kind.PROGRESS:
                row.fraction = event.fraction
                return True
            row.state = "done" if event.kind is Kind.STOP else "failed"
            row.seconds = event.seconds
            return True

    def message(self) -> dict[str, Any]:
        """As it goes to the widget."""
        rows = self.rows
        return {"kind": "steps", "rows": [row.message() for row in rows], "left_out": self._left_out}

    def _begin(self, event: Event) -> bool:
        around = self._rows.get(event.parent) if event.parent is not None else None
        if around is None and threading.get_ident() != self._thread:
            return False
        if len(self._rows) >= MOST_ROWS:
            self._left_out += 1
            return False
        title = f"{_DOING.get(event.name, event.name)} {event.subject}"
        depth = around.depth + 1 if around else 0
        self._rows[event.step] = Row(event.step, depth, title, time.monotonic() - event.seconds)
        return True
