"""Source files and their differences, as Markdown that a notebook colours."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Shown", "changes", "show"]

LANGUAGES: Final = {
    ".ml": "ocaml",
    ".mli": "ocaml",
    ".py": "python",
    ".json": "json",
    ".xml": "xml",
    ".c": "c",
    ".toml": "toml",
}


@dataclass(frozen=True, repr=False)
class Shown:
    """A text that a notebook shows as Markdown, and everything else as it is."""

    title: str
    text: str
    language: str = ""

    def __str__(self) -> str:
        return f"{self.title}\n{self.text}"

    def __repr__(self) -> str:
        return f"<{self.title}, {len(self.text.splitlines())} lines>"

    def _repr_markdown_(self) -> str:
        fence = "```"
        while fence in self.text:
            fence += "`"
        return f"**`{self.title}`**\n\n{fence}{self.language}\n{self.text.rstrip()}\n{fence}"


def show(path: str | Path) -> Shown:
    """A source file.

    Raises:
        OSError: it cannot be read.
    """
    path = Path(path)
    return Shown(path.name, path.read_text(), LANGUAGES.get(path.suffix, ""))


def changes(before: str | Path, after: str | Path) -> Shown:
    """What is different in the second file: removed lines begin with ``-``, new ones with ``+``.

    Raises:
        OSError: one of them cannot be read.
    """
    old, new = Path(before), Path(after)
    lines = difflib.unified_diff(
        old.read_text().splitlines(), new.read_text().splitlines(), "before", "after", n=1, lineterm=""
    )
    kept = [line for line in lines if not line.startswith(("---", "+++"))]
    return Shown(new.name, "\n".join(kept) or "(no difference)", "diff")
