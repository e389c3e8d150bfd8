"""Two images compared: a pair of bars for each figure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from labkit.ui.pictures.picture import PANEL, QUIET, TILE_INK, TILES, Picture, svg, table, text

if TYPE_CHECKING:
    from labkit.compare.figures import Comparison

__all__ = ["comparison"]

WIDTH: Final = 600.0
ROW: Final = 40.0
BAR: Final = 13.0
LEFT: Final = 190.0
RIGHT: Final = 150.0


def comparison(found: Comparison) -> Picture:
    """Draw a comparison. In each row the longer bar is the larger figure; rows have scales of their own.

    Args:
        found: what :func:`labkit.compare` gave.
    """
    one, other = found.one, found.other
    drawn: list[str] = []
    numbers = [
        (figure.title, figure, other[name])
        for name, figure in one.figures.items()
        if name != "contents" and figure.number is not None and other[name].number is not None
    ]
    height = ROW * len(numbers) + 8
    drawn.append(f'<rect width="{WIDTH:g}" height="{height:g}" fill="{PANEL}"/>')
    for row, (title, left, right) in enumerate(numbers):
        top = row * ROW + 8
        most = max(left.number or 0.0, right.number or 0.0) or 1.0
        drawn.append(text(8, top + 18, title))
        for place, figure in enumerate((left, right)):
            y = top + place * (BAR + 2)
            length = max(1.0, (WIDTH - LEFT - RIGHT) * (figure.number or 0.0) / most)
            drawn.append(
                f'<rect x="{LEFT:g}" y="{y:g}" width="{length:.1f}" height="{BAR:g}" fill="{TILES[place]}" '
                f'stroke="{TILE_INK}" stroke-width="0.4"/>'
            )
            drawn.append(text(round(LEFT + length + 5, 1), y + 11, str(figure), size=11))
    label = "; ".join(f"{title}: {one.name} {left}, {other.name} {right}" for title, left, right in numbers)
    legend = "".join(
        f'<span style="margin-right:14px"><span aria-hidden="true" style="display:inline-block;width:10px;'
        f'height:10px;background:{TILES[place]};border:1px solid {QUIET};margin-right:5px"></span>'
        f"{escape(subject.name)} ({subject.kind})</span>"
        for place, subject in enumerate((one, other))
    )
    sources = [
        (
            subject.name,
            figure.title,
            str(figure),
            "; ".join(word for word in (figure.how, figure.note) if word),
        )
        for name in one.figures
        for subject in (one, other)
        for figure in [subject[name]]
    ]
    html = (
        f"<figcaption><strong>{escape(one.name)} and {escape(other.name)}</strong></figcaption>"
        f'<div style="margin:4px 0;font-size:12px">{legend}</div>'
        + svg(WIDTH, height, label, drawn)
        + "<details><summary>Where each figure is from</summary>"
        + table(("image", "figure", "value", "from"), sources, numbers=(2,))
        + "</details>"
    )
    return Picture(f"{one.name} and {other.name} compared", str(found), html)
