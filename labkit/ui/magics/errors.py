"""Errors of the lab, shown in a notebook as they are meant: what, where, what to do; no Python traceback."""

from __future__ import annotations

import linecache
from types import TracebackType
from typing import Any

from labkit.errors import LabError

__all__ = ["headline", "install", "render"]

_LINE = 200  # characters

_RED, _BOLD, _PLAIN = "\x1b[31m", "\x1b[1m", "\x1b[0m"


def headline(message: str) -> tuple[str, str]:
    """A compiler's message as one line; and all of it again, if it is too long for that."""
    line = " ".join(message.split())
    if len(line) <= _LINE:
        return f"Error: {line}", ""
    return f"Error: {message.partition(chr(10))[0]}", message


def render(error: LabError, line: tuple[int, str] | None = None) -> str:
    """An error as text for a notebook.

    Args:
        error: the error.
        line: number and text of the cell's line that led to it, where that helps.
    """
    parts = [f"{_RED}{_BOLD}{error.what}{_PLAIN}"]
    if line is not None:
        parts.append(f"{line[0]} | {line[1]}")
    for item in error.evidence:
        parts += [f"{item.title}:" if item.title else "", item.text.rstrip() or "(nothing)"]
    if error.next_step:
        parts.append(f"{_BOLD}What to do:{_PLAIN} {error.next_step}")
    if error.whose_turn.name != "STUDENT":
        parts.append(f"It is not your program: whose turn it is: {error.whose_turn.value}.")
    return "\n".join(part for part in parts if part)


def install(shell: Any) -> None:
    """Show every :class:`LabError` that leaves a cell in this way."""

    def show(
        self: Any, kind: type[LabError], error: LabError, trace: TracebackType | None, **_: Any
    ) -> list[str]:
        lines = [render(error, _cell_line(trace, self))]
        self._showtraceback(kind, error, lines)
        return lines

    shell.set_custom_exc((LabError,), show)


def _cell_line(trace: TracebackType | None, shell: Any) -> tuple[int, str] | None:
    """The line of the cell, if it has several."""
    compiled = getattr(shell.compile, "_filename_map", {})
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file in compiled:
            text = linecache.getline(file, trace.tb_lineno).strip()
            lines = [line for line in linecache.getlines(file) if line.strip()]
            if len(lines) > 1 and text and "run_cell_magic" not in text:
                return trace.tb_lineno, text
            return None
        trace = trace.tb_next
    return None
