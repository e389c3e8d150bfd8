"""Masters: one text for each lesson, which gives the student's notebook and the one with the solutions.

A master is Markdown (``notebooks/masters/NAME.md``). Prose becomes Markdown cells, a new one at each heading and
after each code cell. A fence that begins with ``python`` becomes a code cell::

    ```python id="first-boot" tags=["slow"]
    %%unikernel hello image
    (* BEGIN STARTER *)
    let start () = Lwt.return ()
    (* BEGIN SOLUTION *)
    let start () = exit 3
    (* END *)
    ```

Of the lines between ``BEGIN STARTER`` and ``BEGIN SOLUTION`` and ``END``, each in a comment of its own (``#`` or
``(* *)``), a version has its own part only; either part may be left out. jupytext opens a master too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from labkit.errors import SourceError

__all__ = ["SOLUTIONS", "Cell", "MasterError", "masters", "read", "render"]

SOLUTIONS: Final = "solutions"
"""The folder beside the students' notebooks that has those with the solutions."""

_FENCE = re.compile(r"^(?P<fence>```+)(?P<info>.*)$")
_INFO = re.compile(r'\s+(?P<key>\w+)=(?P<value>"[^"]*"|\[[^\]]*\])')
_MARKER = re.compile(r"^\s*(?:#|\(\*)\s*(BEGIN STARTER|BEGIN SOLUTION|END)\s*(?:\*\))?\s*$")
_LINK = re.compile(r"(\]\()(?!https?:|#|/)")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_NOTE: Final = (
    "> This version has the solutions. The student's is [{name}.ipynb](../{name}.ipynb); both are made from "
    "[masters/{name}.md](../masters/{name}.md).\n\n"
)


class MasterError(SourceError):
    """A master that cannot be read."""


@dataclass(frozen=True)
class Cell:
    """A cell of a master.

    Attributes:
        kind: ``code`` or ``markdown``.
        text: with its markers.
        id: the cell's name in the notebook.
        tags: its tags.
    """

    kind: str
    text: str
    id: str
    tags: tuple[str, ...] = ()

    def version(self, *, solution: bool) -> str:
        """The text of the student's version, or of that with the solution.

        Raises:
            MasterError: markers do not pair up.
        """
        kept: list[str] = []
        part = ""
        for line in self.text.split("\n"):
            found = _MARKER.match(line) if self.kind == "code" else None
            if found is None:
                if part in ("", "BEGIN SOLUTION" if solution else "BEGIN STARTER"):
                    kept.append(line)
                continue
            allowed = {"": ("BEGIN STARTER", "BEGIN SOLUTION"), "BEGIN STARTER": ("BEGIN SOLUTION", "END")}
            if found[1] not in allowed.get(part, ("END",)):
                raise MasterError(
                    f"Cell {self.id}: {found[1]} cannot follow {part or 'nothing'}.",
                    next_step="The order is BEGIN STARTER, BEGIN SOLUTION, END.",
                )
            part = "" if found[1] == "END" else found[1]
        if part:
            raise MasterError(f"Cell {self.id}: {part} has no END.", next_step="Write END in a comment.")
        return "\n".join(kept)


def masters(notebooks: Path) -> list[Path]:
    """All masters below the folder of notebooks."""
    return sorted(path for path in (notebooks / "masters").glob("*.md") if path.name != "TEMPLATE.md")


def read(text: str) -> list[Cell]:
    """The cells of a master.

    Raises:
        MasterError: a fence is not closed, an option is not known, or two cells have one id.
    """
    cells = list(_cells(text.splitlines()))
    seen: set[str] = set()
    for cell in cells:
        if cell.id in seen or not _ID.fullmatch(cell.id):
            raise MasterError(f"{cell.id!r} is the id of two cells, or no id.", next_step="Give another.")
        seen.add(cell.id)
        cell.version(solution=True)
    return cells


def render(text: str, name: str, *, solution: bool) -> dict[str, Any]:
    """A notebook without outputs, as the JSON object that it is saved as.

    Args:
        text: the master.
        name: the notebook's, without its ending.
        solution: which version.

    Raises:
        MasterError: see :func:`read`.
    """
    made: list[dict[str, Any]] = []
    for cell in read(text):
        source = cell.version(solution=solution)
        if solution and cell.kind == "markdown":
            source = _LINK.sub(r"\1../", source)  # it lies a folder deeper
            source = source if made else _NOTE.format(name=name) + source
        entry: dict[str, Any] = {
            "cell_type": cell.kind,
            "id": cell.id,
            "metadata": {"tags": list(cell.tags)} if cell.tags else {},
            "source": source,
        }
        made.append(entry | ({"execution_count": None, "outputs": []} if cell.kind == "code" else {}))
    return {
        "cells": made,
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cells(lines: list[str]) -> Iterator[Cell]:
    prose: list[str] = []
    number = 0
    at = 0

    def told() -> Iterator[Cell]:
        nonlocal number
        text = "\n".join(prose).strip()
        prose.clear()
        if text:
            number += 1
            yield Cell("markdown", text, f"text-{number}")

    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if fence is None:
            if re.match(r"#{1,3} ", lines[at]):
                yield from told()
            prose.append(lines[at])
            at += 1
            continue
        end = at + 1
        while end < len(lines) and lines[end].rstrip() != fence["fence"]:
            end += 1
        if end == len(lines):
            raise MasterError(f"Line {at + 1}: this fence is not closed.", next_step="Close it with ```.")
        if re.match(r"python\b", fence["info"]):
            yield from told()
            number += 1
            yield _code(fence["info"], lines[at + 1 : end], number, at + 1)
        else:
            prose += lines[at : end + 1]
        at = end + 1
    yield from told()


def _code(info: str, lines: list[str], number: int, line: int) -> Cell:
    options = {match["key"]: json.loads(match["value"]) for match in _INFO.finditer(info)}
    rest = _INFO.sub("", info).strip()
    if rest != "python" or options.keys() - {"id", "tags"}:
        raise MasterError(
            f"Line {line}: `{info}` cannot be taken.", next_step='A code cell is ```python id="…" tags=["…"].'
        )
    text = "\n".join(lines).strip("\n")
    return Cell("code", text, options.get("id", f"code-{number}"), tuple(options.get("tags", ())))
