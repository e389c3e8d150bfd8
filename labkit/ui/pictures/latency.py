"""How long answers took under load: a curve by percentile for each load."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Final

from labkit.ui.pictures.picture import PANEL, TILE_INK, Picture, svg, table, text

if TYPE_CHECKING:
    from labkit.guest.network.load import Load

__all__ = ["latency"]

WIDTH: Final = 560.0
HEIGHT: Final = 220.0
LEFT: Final = 54.0
RIGHT: Final = 24.0
TOP: Final = 20.0
BOTTOM: Final = 28.0
LEGEND: Final = 16.0
LAST: Final = 99.9
_SHOWN: Final = (50.0, 90.0, 99.0, LAST)
_INKS: Final = ("#1f5fa8", "#b25a00", "#2b7a2f", "#7a3fa0", "#a8323a", "#57606a")


def latency(*loads: Load) -> Picture:
    """Draw loads, each as a curve: how long the fastest half, 90 %, 99 % of its answers took at most.

    Args:
        loads: what :func:`labkit.load` gave, one or more.

    Raises:
        ValueError: there is none.
    """
    if not loads:
        raise ValueError("there is no load to draw")
    names = [_name(one) for one in loads]
    head = f"Load on {', '.join(dict.fromkeys(one.name for one in loads))}"
    alternative = "\n".join(f"{name}: {one}" for name, one in zip(names, loads, strict=True))
    if any(one.requests for one in loads):
        drawing = _drawn([one for one in loads if one.requests], alternative)
    else:
        drawing = "<div>Nothing was answered.</div>"
    rows = [
        (
            name,
            f"{one.per_second:,.0f}",
            *(f"{one.latency[percent] * 1e3:.2f}" for percent in (50, 90, 99)),
            ", ".join(f"{count:,} {what}" for what, count in one.errors.items() if count) or "none",
        )
        for name, one in zip(names, loads, strict=True)
    ]
    heads = ("load", "requests/s", "50 %, ms", "90 %, ms", "99 %, ms", "errors")
    html = f"<figcaption><strong>{escape(head)}</strong></figcaption>{drawing}" + table(
        heads, rows, numbers=(1, 2, 3, 4)
    )
    return Picture(head, alternative, html)


def _place(percent: float) -> float:
    """Where a percentile is, from 0 to 1: as far from 99 to 99.9 as from 90 to 99."""
    nines = -math.log10(max(1e-9, 1 - percent / 100))
    return min(1.0, nines / 3.0)


def _drawn(loads: list[Load], label: str) -> str:
    tallest = max(one.latency[LAST] for one in loads) or 1e-6
    top = _round_up(tallest * 1e3)
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    whole = HEIGHT + LEGEND * -(-len(loads) // 3)
    drawn = [f'<rect width="{WIDTH:g}" height="{whole:g}" rx="3" fill="{PANEL}"/>']
    for part in range(5):
        y = TOP + height * part / 4
        drawn.append(f'<path d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}" stroke="#d5d9de"/>')
        value = f"{top * (4 - part) / 4:g}"
        drawn.append(text(LEFT - 6, round(y + 4, 1), value, size=10, more=' text-anchor="end"'))
    drawn.append(text(LEFT - 6, TOP - 7, "ms", size=10, more=' text-anchor="end"'))
    for percent in _SHOWN:
        x = LEFT + width * _place(percent)
        drawn.append(f'<path d="M{x:.1f} {TOP:g}V{TOP + height:g}" stroke="#d5d9de"/>')
        words = f"{percent:g} %"
        drawn.append(text(round(x, 1), TOP + height + 15, words, size=10, more=' text-anchor="middle"'))
    for number, one in enumerate(loads):
        ink = _INKS[number % len(_INKS)]
        points = " ".join(
            f"{LEFT + width * _place(percent):.1f},{TOP + height * (1 - min(1.0, took * 1e3 / top)):.1f}"
            for percent, took in sorted(one.latency.items())
            if percent <= LAST
        )
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{ink}" stroke-width="2"/>')
        x, y = LEFT + 165 * (number % 3), HEIGHT + LEGEND * (number // 3)
        drawn.append(f'<rect x="{x:g}" y="{y:g}" width="12" height="8" fill="{ink}"/>')
        drawn.append(text(x + 17, y + 8, _name(one), size=10, fill=TILE_INK))
    return svg(WIDTH, whole, label, drawn)


def _name(load: Load) -> str:
    return f"{load.name}, {load.connections} connection{'' if load.connections == 1 else 's'}"


def _round_up(value: float) -> float:
    """The next number of 1, 2 or 5 and zeros."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * step for step in (1, 2, 5, 10) if unit * step >= value * 0.999)
