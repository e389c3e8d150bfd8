"""A drawing with its text alternative, as notebooks show it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

__all__ = ["INK", "PANEL", "QUIET", "TILES", "TILE_INK", "Picture", "svg", "table", "text"]

# The page's own colours where it is JupyterLab's, so that a drawing follows its theme.
INK: Final = "var(--jp-ui-font-color1, #1f2328)"
QUIET: Final = "var(--jp-ui-font-color2, #57606a)"
PANEL: Final = "#f3f5f7"
"""The background of drawings that write beside their tiles."""
TILES: Final = ("#bcd9f7", "#f5cf9f", "#bfe3c0", "#e2c8f0", "#f4c1c4", "#d5d9de")
"""Fills that dark letters (``TILE_INK``) are read on well, and that stand out from light and dark pages."""
TILE_INK: Final = "#1f2328"

_FONT: Final = "var(--jp-ui-font-family, sans-serif)"


@dataclass(frozen=True, repr=False)
class Picture:
    """A drawing.

    Attributes:
        label: what it is, the same from run to run.
        alternative: all that it says, in words.
        html: the drawing and what stands below it.
    """

    label: str
    alternative: str
    html: str

    def __repr__(self) -> str:
        return f"<{self.label}>"

    def __str__(self) -> str:
        return self.alternative

    def _repr_mimebundle_(self, **_wanted: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        # notebooks/sanitize.cfg leaves the figure out when it compares: it holds sizes and times.
        figure = (
            f'<figure class="labkit-picture" style="margin:4px 0;max-width:640px;color:{INK};'
            f'font-family:{_FONT};font-size:13px">{self.html}</figure>'
        )
        return {"text/plain": repr(self), "text/html": figure}, {}


def svg(width: float, height: float, label: str, parts: list[str]) -> str:
    """A drawing that shrinks with its page; ``label`` is what a screen reader says instead.

    It is an image in the page, not a part of it: JupyterLab shows that in notebooks it does not trust too. So it
    knows nothing of the page's theme, and has to be readable on light and dark.
    """
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="system-ui, sans-serif">{"".join(parts)}</svg>'
    )
    data = base64.b64encode(drawing.encode()).decode()
    return (
        f'<img src="data:image/svg+xml;base64,{data}" width="{width:g}" alt="{escape(label)}" '
        f'style="max-width:100%;height:auto;display:block"/>'
    )


def text(x: float, y: float, words: str, *, size: float = 12, fill: str = TILE_INK, more: str = "") -> str:
    """Words in a drawing; ``y`` is where they stand on."""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{fill}"{more}>{escape(words)}</text>'


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, numbers: tuple[int, ...] = ()) -> str:
    """A table; the columns in ``numbers`` are set to the right."""

    def cells(tag: str, row: tuple[str, ...]) -> str:
        found = []
        for column, value in enumerate(row):
            side = "right" if column in numbers else "left"
            found.append(f'<{tag} style="text-align:{side};padding:1px 10px 1px 0">{escape(value)}</{tag}>')
        return f"<tr>{''.join(found)}</tr>"

    body = "".join(cells("td", row) for row in rows)
    head = f"<thead>{cells('th', heads)}</thead>"
    return f'<table style="margin:4px 0;color:inherit">{head}<tbody>{body}</tbody></table>'
